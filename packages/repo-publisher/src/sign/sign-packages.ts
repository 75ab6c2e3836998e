import { copyFile } from "node:fs/promises";
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
import type { Signer } from "./signer.ts";
import type { PublisherContext } from "./signing-key.ts";

/** An .rpm to sign. */
export interface UnsignedPackage {
  readonly file: string;
  readonly sha256: Sha256;
}

/** How many packages one sandbox signs: enough to make its start cheap, few enough to show progress. */
const batchSize = 50;

/**
 * Signs packages and checks each signature with rpmkeys. The result is kept in the store by
 * (unsigned digest, key, tools): a package is signed once.
 *
 * @returns digests of the signed packages, by unsigned digest
 */
export async function signPackages(
  context: PublisherContext,
  signer: Signer,
  packages: readonly UnsignedPackage[],
): Promise<ReadonlyMap<Sha256, Sha256>> {
  const signed = new Map<Sha256, Sha256>();
  const missing: UnsignedPackage[] = [];
  for (const one of packages) {
    const known = (await context.store.action(actionKey(context, signer, one.sha256)))?.outputs[0];
    if (known === undefined) missing.push(one);
    else signed.set(one.sha256, known.sha256);
  }
  const batches: UnsignedPackage[][] = [];
  for (let start = 0; start < missing.length; start += batchSize) {
    batches.push(missing.slice(start, start + batchSize));
  }
  await mapConcurrent(batches, availableParallelism(), async (batch, index) => {
    const first = index * batchSize + 1;
    const last = first + batch.length - 1;
    context.logger.info(`signing packages ${first} to ${last} of ${missing.length}`);
    for (const [unsigned, result] of await signBatch(context, signer, batch)) {
      signed.set(unsigned, result);
    }
  });
  return signed;
}

async function signBatch(
  context: PublisherContext,
  signer: Signer,
  batch: readonly UnsignedPackage[],
): Promise<[Sha256, Sha256][]> {
  const { store } = context;
  return store.withTemporaryFolder("sign", async (folder) => {
    for (const one of batch) await copyPackage(one, path.join(folder, nameOf(one)));
    await signer.signFiles(context, folder, batch.map(nameOf));
    await checkSignatures(context, signer, folder, batch.map(nameOf));
    const signed: [Sha256, Sha256][] = [];
    for (const one of batch) {
      const { sha256, size } = await store.putFile(path.join(folder, nameOf(one)));
      await store.putAction(actionKey(context, signer, one.sha256), {
        outputs: [{ name: "package.rpm", sha256, size }],
        facts: {},
      });
      signed.push([one.sha256, sha256]);
    }
    return signed;
  });
}

async function checkSignatures(
  { tools }: PublisherContext,
  signer: Signer,
  folder: string,
  names: readonly string[],
): Promise<void> {
  await writeFileAtomic(path.join(folder, "public.asc"), signer.publicKeys);
  await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/job" }], cwd: "/job" },
    ["sh", "-euc", checkScript, "sh", ...names],
    { step: "check the signatures" },
  );
}

const checkScript = `
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

function actionKey({ tools }: PublisherContext, signer: Signer, unsigned: Sha256): Sha256 {
  return sha256Json({
    action: "sign-package",
    version: 1,
    unsigned,
    key: signer.fingerprint,
    tools: tools.digest,
  });
}
