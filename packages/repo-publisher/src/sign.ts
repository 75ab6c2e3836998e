import { copyFile, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import {
  CleanroomError,
  mapConcurrent,
  runInSandbox,
  type Sha256,
  sha256File,
  sha256Json,
  writeFileAtomic,
} from "@cleanroom/core";
import { joinSignatures } from "./openpgp-armor.ts";
import {
  type KeyPair,
  keyMount,
  type PublisherContext,
  type SigningKey,
  useKeyScript,
} from "./signing-key.ts";

/** A signed .rpm in the store. */
export interface SignedPackage {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

/** An .rpm to sign. */
export interface UnsignedPackage {
  readonly file: string;
  readonly sha256: Sha256;
}

/**
 * Every signature of a key bears the time at which the key was made. So a signature depends on
 * what is signed and on the key alone, and one package signed twice is the same bytes.
 */
function signatureTime(key: KeyPair): string {
  return `${key.createdSeconds}!`;
}

/** How many packages one sandbox signs: enough to make its start cheap, few enough to show progress. */
const batchSize = 50;

/**
 * Signs packages with rpmsign and checks each signature with rpmkeys. The result is kept in the
 * store by (unsigned digest, key, tools): a package is signed once.
 *
 * @returns by unsigned digest
 */
export async function signPackages(
  context: PublisherContext,
  key: SigningKey,
  packages: readonly UnsignedPackage[],
): Promise<ReadonlyMap<Sha256, SignedPackage>> {
  const signed = new Map<Sha256, SignedPackage>();
  const missing: UnsignedPackage[] = [];
  for (const one of packages) {
    const known = (await context.store.action(actionKey(context, key, one.sha256)))?.outputs[0];
    if (known === undefined) missing.push(one);
    else signed.set(one.sha256, { sha256: known.sha256, sizeBytes: known.size });
  }
  const batches: UnsignedPackage[][] = [];
  for (let start = 0; start < missing.length; start += batchSize) {
    batches.push(missing.slice(start, start + batchSize));
  }
  await mapConcurrent(batches, availableParallelism(), async (batch, index) => {
    const first = index * batchSize + 1;
    const last = first + batch.length - 1;
    context.logger.info(`signing packages ${first} to ${last} of ${missing.length}`);
    for (const [unsigned, result] of await signBatch(context, key, batch)) {
      signed.set(unsigned, result);
    }
  });
  return signed;
}

async function signBatch(
  context: PublisherContext,
  key: SigningKey,
  batch: readonly UnsignedPackage[],
): Promise<[Sha256, SignedPackage][]> {
  const { store, tools } = context;
  return store.withTemporaryFolder("sign", async (folder) => {
    for (const one of batch) await copyPackage(one, path.join(folder, nameOf(one)));
    await writeFileAtomic(path.join(folder, "public.asc"), key.publicKey);
    await runInSandbox(
      {
        root: tools.root,
        mounts: [
          { source: key.home, target: keyMount },
          { source: folder, target: "/work", writable: true },
        ],
        cwd: "/work",
      },
      ["sh", "-euc", signScript, "sh", key.fingerprint, signatureTime(key), ...batch.map(nameOf)],
      { step: "sign packages" },
    );
    const signed: [Sha256, SignedPackage][] = [];
    for (const one of batch) {
      const { sha256, size } = await store.putFile(path.join(folder, nameOf(one)));
      await store.putAction(actionKey(context, key, one.sha256), {
        outputs: [{ name: "package.rpm", sha256, size }],
        facts: {},
      });
      signed.push([one.sha256, { sha256, sizeBytes: size }]);
    }
    return signed;
  });
}

// Copies may be read-only, as blobs of the store are; rpmsign writes in place.
const signScript = `
fingerprint=$1; time=$2; shift 2
${useKeyScript}
chmod u+w -- "$@"
rpmsign --define "_gpg_name $fingerprint" --define '_gpg_digest_algo sha256' \
  --define "_gpg_sign_cmd_extra_args --faked-system-time $time" \
  --define '_tmppath /tmp' --addsign "$@" >/tmp/log 2>&1 </dev/null || { cat /tmp/log >&2; exit 1; }
mkdir /tmp/rpmdb
rpmkeys --dbpath /tmp/rpmdb --import public.asc
rpmkeys --dbpath /tmp/rpmdb --define '_pkgverify_level all' --checksig "$@" >/tmp/log 2>&1 ||
  { grep -v ': digests signatures OK$' /tmp/log >&2; exit 1; }
`;

/** The digest is what the signed bytes are remembered by, so it is checked on what will be signed. */
async function copyPackage(one: UnsignedPackage, target: string): Promise<void> {
  await copyFile(one.file, target);
  const actual = await sha256File(target);
  if (actual !== one.sha256) throw wrongDigest(one, actual);
}

export function wrongDigest(one: UnsignedPackage, actual: Sha256): CleanroomError {
  return new CleanroomError(
    "package-digest",
    `the package has sha256 ${actual}, but ${one.sha256} was announced`,
    { place: { file: one.file }, hint: "build or fetch it again" },
  );
}

function nameOf(one: UnsignedPackage): string {
  return `${one.sha256}.rpm`;
}

function actionKey({ tools }: PublisherContext, key: SigningKey, unsigned: Sha256): Sha256 {
  return sha256Json({
    action: "sign-package",
    version: 1,
    unsigned,
    key: key.fingerprint,
    tools: tools.digest,
  });
}

/**
 * A detached signature over `text`, in ASCII armour: what clients want as repomd.xml.asc. While
 * an older key is retiring, its signature stands beside the key's own.
 */
export async function signDetached(
  context: PublisherContext,
  key: SigningKey,
  text: string,
): Promise<string> {
  const signatures: string[] = [];
  for (const pair of [key, ...key.retiring]) {
    signatures.push(await signWith(context, pair, text));
  }
  return joinSignatures(signatures);
}

async function signWith(
  { store, tools }: PublisherContext,
  pair: KeyPair,
  text: string,
): Promise<string> {
  return store.withTemporaryFolder("sign", async (folder) => {
    await writeFileAtomic(path.join(folder, "data"), text);
    await runInSandbox(
      {
        root: tools.root,
        mounts: [
          { source: pair.home, target: keyMount },
          { source: folder, target: "/work", writable: true },
        ],
        cwd: "/work",
      },
      ["sh", "-euc", signDetachedScript, "sh", pair.fingerprint, signatureTime(pair)],
      { step: "sign the metadata" },
    );
    return readFile(path.join(folder, "data.asc"), "utf8");
  });
}

const signDetachedScript = `
${useKeyScript}
gpg --batch --quiet --no-tty --faked-system-time "$2" --digest-algo sha256 --local-user "$1" \
  --armor --detach-sign data
gpg --batch --quiet --no-tty --verify data.asc data
`;
