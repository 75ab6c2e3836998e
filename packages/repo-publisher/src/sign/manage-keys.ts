import { chmod, mkdir, readdir, rename } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  messageOf,
  removeFolder,
  replaceFolder,
  runInSandbox,
  writeFileAtomic,
} from "@cleanroom/core";
import {
  keyFolder,
  keyMount,
  type KeyRecord,
  type PublisherContext,
  readKey,
  readKeyRecord,
  type SigningKey,
} from "./signing-key.ts";

/** How long clients have to learn of a new key, when nobody says otherwise: 30 days. */
const defaultOverlapMs = 30 * 24 * 3600 * 1000;

/**
 * The store's key of this name; made on first use. RSA, 4096 bits: every rpm and every yum client
 * in use verifies it. It has no passphrase (the store's `keys/` is readable by its owner alone)
 * and does not expire.
 *
 * @throws CleanroomError `key-name`, `key-unreadable`, `key-expired`, and those of running gpg.
 */
export async function signingKey(
  context: PublisherContext,
  name = "cleanroom",
): Promise<SigningKey> {
  const known = await readKey(context.store, name);
  if (known !== undefined) return known;
  return context.store.withLock(`key-${name}`, async () => {
    const meanwhile = await readKey(context.store, name);
    if (meanwhile !== undefined) return meanwhile;
    context.logger.info(`making the signing key ${name}`);
    return putFirst(context, name, generateScript, "");
  });
}

/**
 * Takes a key of the user's into the store. It must have no passphrase, because nobody is there to
 * type it.
 *
 * @param secretKey as `gpg --export-secret-keys` writes it with `--armor`
 * @throws CleanroomError `key-exists`, `key-unusable`, `key-name`
 */
export async function importKey(
  context: PublisherContext,
  name: string,
  secretKey: string,
): Promise<SigningKey> {
  return context.store.withLock(`key-${name}`, async () => {
    if ((await readKeyRecord(context.store, name)) !== undefined) {
      throw new CleanroomError("key-exists", `there is a key called ${name} already`, {
        exitCode: 2,
        hint: "choose another name",
      });
    }
    return putFirst(context, name, importScript, secretKey);
  });
}

/**
 * Makes a new key in the place of the one of this name. For the time of the overlap the old one
 * signs the metadata too, and both stand in the file of public keys: a client that knows either can
 * go on. Packages are signed by the new one alone (an .rpm has room for one signature).
 */
export async function rotateKey(
  context: PublisherContext,
  name = "cleanroom",
  overlapMs: number = defaultOverlapMs,
): Promise<SigningKey> {
  const { store } = context;
  return store.withLock(`key-${name}`, async () => {
    const old = await readKeyRecord(store, name);
    if (old === undefined) {
      throw new CleanroomError("key-unknown", `there is no key called ${name} to rotate`, {
        exitCode: 2,
        hint: "it is made by the first publishing",
      });
    }
    return store.withTemporaryFolder("key", async (temporary) => {
      const finished = path.join(temporary, "finished");
      const facts = await makeKey(context, name, finished, generateScript, "");
      const folder = `key.${facts.fingerprint}`;
      await rename(finished, path.join(keyFolder(store, name), folder));
      const nowSeconds = Math.floor(Date.now() / 1000);
      const { fingerprint, createdSeconds } = old;
      const untilSeconds = nowSeconds + Math.ceil(overlapMs / 1000);
      const retired = { fingerprint, createdSeconds, folder: old.folder, untilSeconds };
      const stillKnown = old.retiring.filter((one) => one.untilSeconds > nowSeconds);
      const retiring = [retired, ...stillKnown];
      const record: KeyRecord = { version: 1, ...facts, folder, retiring };
      await writeFileAtomic(path.join(keyFolder(store, name), "key.json"), recordText(record));
      await removeForgottenKeys(keyFolder(store, name), record);
      return present(context, name);
    });
  });
}

/** Secret keys that the record does not name: of rotations that were killed, or retired for good. */
async function removeForgottenKeys(folder: string, record: KeyRecord): Promise<void> {
  const known = new Set([record.folder, ...record.retiring.map((one) => one.folder)]);
  for (const name of await readdir(folder)) {
    if (name.startsWith("key.") && name !== "key.json" && !known.has(name)) {
      await removeFolder(path.join(folder, name));
    }
  }
}

async function putFirst(
  context: PublisherContext,
  name: string,
  script: string,
  input: string,
): Promise<SigningKey> {
  const { store } = context;
  const target = keyFolder(store, name);
  await store.withTemporaryFolder("key", async (temporary) => {
    const finished = path.join(temporary, "finished");
    const facts = await makeKey(context, name, finished, script, input);
    const record: KeyRecord = { version: 1, ...facts, folder: ".", retiring: [] };
    await writeFileAtomic(path.join(finished, "key.json"), recordText(record));
    await replaceFolder(finished, target);
  });
  return present(context, name);
}

function recordText(record: KeyRecord): string {
  return `${JSON.stringify(record)}\n`;
}

async function present({ store }: PublisherContext, name: string): Promise<SigningKey> {
  const key = await readKey(store, name);
  if (key === undefined) throw new TypeError(`the key ${name} is not where it was put`);
  return key;
}

type KeyFacts = Pick<KeyRecord, "fingerprint" | "createdSeconds" | "expiresSeconds">;

/** Makes `folder` with `gnupg/` and `public.asc`. */
async function makeKey(
  { tools }: PublisherContext,
  name: string,
  folder: string,
  script: string,
  input: string,
): Promise<KeyFacts> {
  const home = path.join(folder, "gnupg");
  await mkdir(home, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  // gpg-agent's sockets belong on the sandbox's own /tmp: in a deep folder their path is too
  // long, and nothing of them is to be kept.
  const { stdout } = await runInSandbox(
    { root: tools.root, mounts: [{ source: home, target: keyMount, writable: true }] },
    ["sh", "-euc", `${beginScript}${script}${endScript}`, "sh", `Cleanroom repository (${name})`],
    { step: `make the signing key ${name}`, timeoutMs: 120_000, input },
  ).catch((error: unknown) => {
    throw new CleanroomError("key-unusable", `the signing key ${name}: ${messageOf(error)}`, {
      cause: error,
      hint: "it must be a secret key that can sign and has no passphrase",
    });
  });
  const { publicKey, ...facts } = parseKeyListing(stdout);
  await writeFileAtomic(path.join(folder, "public.asc"), publicKey);
  return facts;
}

const beginScript = `
export GNUPGHOME=/tmp/gnupg
trap 'gpgconf --kill gpg-agent' EXIT
mkdir -m 700 "$GNUPGHOME"
`;

const generateScript = `
gpg --batch --quiet --passphrase '' --quick-generate-key "$1" rsa4096 sign never
`;

const importScript = `
gpg --batch --quiet --import
`;

// Signs something, because a key with a passphrase would only fail when it is needed.
const endScript = `
gpg --batch --quiet --pinentry-mode error --output /tmp/proof --detach-sign /dev/null
gpg --batch --with-colons --list-secret-keys
gpg --batch --armor --export
cp -r "$GNUPGHOME/private-keys-v1.d" "$GNUPGHOME/pubring.kbx" ${keyMount}
`;

/** Reads `gpg --with-colons` (GnuPG's doc/DETAILS) with the armoured key after it. */
function parseKeyListing(listing: string): KeyFacts & Pick<SigningKey, "publicKey"> {
  const lines = listing.split("\n").map((line) => line.split(":"));
  const fingerprint = lines.find(([kind]) => kind === "fpr")?.[9];
  const secret = lines.find(([kind]) => kind === "sec");
  const createdSeconds = Number(secret?.[5]);
  const expiresSeconds = Number(secret?.[6] ?? "");
  const start = listing.indexOf("-----BEGIN PGP PUBLIC KEY BLOCK-----");
  if (fingerprint === undefined || Number.isNaN(createdSeconds) || start < 0) {
    throw new CleanroomError("key-unusable", "gpg did not say which key it has", {
      place: { step: "gpg --list-secret-keys" },
    });
  }
  const expiry = expiresSeconds > 0 ? { expiresSeconds } : {};
  return { fingerprint, createdSeconds, ...expiry, publicKey: listing.slice(start) };
}
