import { chmod, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  isMissingFile,
  type Logger,
  replaceFolder,
  runInSandbox,
  type Store,
  type Tools,
  writeFileAtomic,
} from "@cleanroom/core";
import { z } from "zod";

/** What every operation of this package works with. */
export interface PublisherContext {
  readonly store: Store;
  readonly tools: Tools;
  readonly logger: Logger;
}

/** An OpenPGP key of the store that signs packages and metadata. */
export interface SigningKey {
  readonly name: string;
  /** 40 upper-case hexadecimal digits. */
  readonly fingerprint: string;
  /** Seconds since 1970. */
  readonly createdSeconds: number;
  /** ASCII armour. */
  readonly publicKey: string;
  /** GnuPG's folder with the secret key; only ever copied from, never worked in. */
  readonly home: string;
}

const keyRecordSchema = z.strictObject({
  version: z.literal(1),
  fingerprint: z.string().regex(/^[0-9A-F]{40}$/),
  createdSeconds: z.int(),
});

/** Where a command in the sandbox finds the key, and the script that makes it ready to use. */
export const keyMount = "/key";

/**
 * GnuPG writes into its home folder, locks included, and judges those locks by process ids, which
 * mean nothing across sandboxes: so every sandbox works in its own copy, on its own /tmp. The agent
 * that gpg starts is ended by hand: should the publisher be killed at a bad moment, it alone would
 * keep the sandbox up for ever.
 */
export const useKeyScript = `
export GNUPGHOME=/tmp/gnupg
trap 'gpgconf --kill gpg-agent' EXIT
cp -r ${keyMount} "$GNUPGHOME"
chmod 700 "$GNUPGHOME"
`;

/**
 * The store's key of this name; made on first use. RSA, 4096 bits: every rpm and every yum client
 * in use verifies it. It has no passphrase (the store's `keys/` is readable by its owner alone)
 * and does not expire.
 *
 * @throws CleanroomError `key-unreadable`, and those of running gpg.
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
    await makeKey(context, name);
    const made = await readKey(context.store, name);
    if (made === undefined) throw new TypeError(`the key ${name} is not where it was put`);
    return made;
  });
}

function keyFolder(store: Store, name: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new CleanroomError("key-name", `a key cannot be called ${JSON.stringify(name)}`, {
      exitCode: 2,
      hint: "use letters, digits, dots, hyphens and underscores",
    });
  }
  return store.path("keys", name);
}

async function readKey(store: Store, name: string): Promise<SigningKey | undefined> {
  const folder = keyFolder(store, name);
  const recordFile = path.join(folder, "key.json");
  let recordText: string;
  try {
    recordText = await readFile(recordFile, "utf8");
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
  try {
    const record = keyRecordSchema.parse(JSON.parse(recordText));
    const publicKey = await readFile(path.join(folder, "public.asc"), "utf8");
    const { fingerprint, createdSeconds } = record;
    return { name, fingerprint, createdSeconds, publicKey, home: path.join(folder, "gnupg") };
  } catch (error) {
    throw new CleanroomError("key-unreadable", `the signing key ${name} is damaged`, {
      place: { file: recordFile },
      cause: error,
      hint: `restore ${folder} from a backup, or move it away: a new key will be made, which clients must be told to trust`,
    });
  }
}

async function makeKey({ store, tools }: PublisherContext, name: string): Promise<void> {
  await store.withTemporaryFolder("key", async (folder) => {
    await chmod(folder, 0o700);
    const finished = path.join(folder, "finished");
    const home = path.join(finished, "gnupg");
    await mkdir(home, { recursive: true, mode: 0o700 });
    // gpg-agent's sockets belong on the sandbox's own /tmp: in a deep folder their path is too
    // long, and nothing of them is to be kept.
    const { stdout } = await runInSandbox(
      { root: tools.root, mounts: [{ source: home, target: keyMount, writable: true }] },
      ["sh", "-euc", makeKeyScript, "sh", `Cleanroom repository (${name})`],
      { step: `make the signing key ${name}`, timeoutMs: 120_000 },
    );
    const { fingerprint, createdSeconds, publicKey } = parseKeyListing(stdout);
    await writeFileAtomic(path.join(finished, "public.asc"), publicKey);
    const record = { version: 1, fingerprint, createdSeconds };
    await writeFileAtomic(path.join(finished, "key.json"), `${JSON.stringify(record)}\n`);
    await replaceFolder(finished, keyFolder(store, name));
  });
}

const makeKeyScript = `
export GNUPGHOME=/tmp/gnupg
trap 'gpgconf --kill gpg-agent' EXIT
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key "$1" rsa4096 sign never
gpg --batch --with-colons --list-keys
gpg --batch --armor --export
cp -r "$GNUPGHOME/private-keys-v1.d" "$GNUPGHOME/pubring.kbx" "$GNUPGHOME/trustdb.gpg" ${keyMount}
`;

/** Reads `gpg --with-colons` (GnuPG's doc/DETAILS) with the armoured key after it. */
function parseKeyListing(
  listing: string,
): Pick<SigningKey, "fingerprint" | "createdSeconds" | "publicKey"> {
  const lines = listing.split("\n").map((line) => line.split(":"));
  const fingerprint = lines.find(([kind]) => kind === "fpr")?.[9];
  const createdSeconds = Number(lines.find(([kind]) => kind === "pub")?.[5]);
  const start = listing.indexOf("-----BEGIN PGP PUBLIC KEY BLOCK-----");
  if (fingerprint === undefined || Number.isNaN(createdSeconds) || start < 0) {
    throw new CleanroomError("key-unreadable", "gpg did not say which key it made", {
      place: { step: "gpg --list-keys" },
    });
  }
  return { fingerprint, createdSeconds, publicKey: listing.slice(start) };
}
