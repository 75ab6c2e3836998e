import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  CleanroomError,
  CommandError,
  parseBeginning,
  runInSandbox,
  type Sha256,
  sha256Json,
  type Store,
} from "@cleanroom/core";
import {
  type Closure,
  closureOf,
  type ClosurePackage,
  fetchClosure,
  nevraOf,
} from "@cleanroom/rootfs";
import { isTruncated, readRpmHeaderBytes, type RpmHeader } from "rpm-parser";
import { checkPackageFiles } from "./package-safety.ts";
import type { ImageContext, ImageRepository } from "../context.ts";

/** Raised when the way packages are admitted changes. */
const admitEpoch = 1;

/** A package that may go into an image: its signature checked and taken off. */
export interface AdmittedPackage {
  /** Its `sha256` and `sizeBytes` are those of the .rpm without signature. */
  readonly entry: ClosurePackage;
  readonly header: RpmHeader;
}

export interface AdmittedPackages {
  readonly closure: Closure;
  /** In the closure's order. */
  readonly packages: readonly AdmittedPackage[];
}

/**
 * Fetches a closure's packages, checks the signatures of those whose repository has a key, and
 * takes these signatures off: rpm copies them into its database, and the image must be the same
 * whichever key signed. Done once for a package and key.
 *
 * @throws {CleanroomError} `signature-invalid`, `package-hostile`, and those of `fetchClosure` and `rpm-parser`
 */
export async function admitPackages(
  context: ImageContext,
  closure: Closure,
  repositories: readonly ImageRepository[],
): Promise<AdmittedPackages> {
  await fetchClosure(context.store, closure, repositories);
  const plain = new Map<string, PlainPackage>();
  for (const { id, publicKey } of repositories) {
    if (publicKey === undefined) continue;
    const own = closure.packages.filter(({ repository }) => repository === id);
    await withoutSignatures(context, own, publicKey, plain);
  }
  const admitted = closureOf(
    closure.packages.map((entry) => ({ ...entry, ...plain.get(entry.sha256) })),
  );
  const packages: AdmittedPackage[] = [];
  for (const entry of admitted.packages) {
    packages.push({ entry, header: await headerOf(context.store, entry) });
  }
  return { closure: admitted, packages };
}

/**
 * Reads headers of packages that will probably be asked for, while something else is waited for. Whatever
 * is not there, or damaged, is left to whoever does ask.
 */
export async function readHeadersAhead(
  context: ImageContext,
  packages: readonly ClosurePackage[],
  repositories: readonly ImageRepository[],
): Promise<void> {
  const keys = new Map(repositories.map(({ id, publicKey }) => [id, publicKey]));
  for (const signed of packages) {
    const publicKey = keys.get(signed.repository);
    const plain = publicKey === undefined ? signed : await knownPlain(context, signed, publicKey);
    if (plain === undefined) continue;
    const entry = { ...signed, ...plain };
    if (!(await context.store.hasBlob(entry.sha256, entry.sizeBytes))) continue;
    await headerOf(context.store, entry).catch(() => undefined);
    // What is waited for goes first.
    await setImmediate();
  }
}

/** Headers that this process has read from a store already: locking and building ask for the same. */
const readHeaders = new WeakMap<Store, Map<Sha256, RpmHeader>>();

async function headerOf(store: Store, entry: ClosurePackage): Promise<RpmHeader> {
  const known = readHeaders.get(store) ?? new Map<Sha256, RpmHeader>();
  readHeaders.set(store, known);
  const before = known.get(entry.sha256);
  if (before !== undefined) return before;
  const header = await readCheckedHeader(store, entry);
  checkPackageFiles(header);
  known.set(entry.sha256, header);
  return header;
}

/** A package names its header's digest, so a header is checked without reading the payload. */
async function readCheckedHeader(store: Store, entry: ClosurePackage): Promise<RpmHeader> {
  try {
    return parseBeginning(store.blobPath(entry.sha256), readRpmHeaderBytes, isTruncated);
  } catch (error) {
    // A damaged blob is set aside now, and fetched by the next run.
    if ((await store.blob(entry.sha256)) !== undefined) throw error;
    throw new CleanroomError("blob-missing", `the store lacks ${nevraOf(entry)}`, {
      cause: error,
      hint: "run the command again: it will be fetched anew",
    });
  }
}

/** None of the programs' own. */
const unsignedExitCode = 64;

/**
 * `rpmkeys --checksig` accepts a package without any signature unless the verification level asks
 * for both (rpmkeys(8), `%_pkgverify_level`).
 */
const checkAndStripScript = `
rpmkeys --dbpath /tmp/keys --import /job/key.asc || exit ${unsignedExitCode}
rpmkeys --dbpath /tmp/keys --define '_pkgverify_level all' --checksig /job/packages/*.rpm >&2 ||
  exit ${unsignedExitCode}
rpmsign --delsign /job/packages/*.rpm
`;

/** A package without its signature. */
type PlainPackage = Pick<ClosurePackage, "sha256" | "sizeBytes">;

function admitKey({ tools }: ImageContext, { sha256 }: ClosurePackage, publicKey: string): Sha256 {
  return sha256Json(["admit", admitEpoch, tools.digest, publicKey, sha256]);
}

/** What came of a package when its signature was checked before. */
async function knownPlain(
  context: ImageContext,
  entry: ClosurePackage,
  publicKey: string,
): Promise<PlainPackage | undefined> {
  const output = (await context.store.action(admitKey(context, entry, publicKey)))?.outputs[0];
  return output === undefined ? undefined : { sha256: output.sha256, sizeBytes: output.size };
}

async function withoutSignatures(
  context: ImageContext,
  packages: readonly ClosurePackage[],
  publicKey: string,
  plain: Map<string, PlainPackage>,
): Promise<void> {
  const { store, tools, logger } = context;
  const unknown: ClosurePackage[] = [];
  for (const entry of packages) {
    const known = await knownPlain(context, entry, publicKey);
    if (known === undefined) unknown.push(entry);
    else plain.set(entry.sha256, known);
  }
  if (unknown.length === 0) return;
  logger.info(`checking the signatures of ${unknown.length} packages`);
  await store.withTemporaryFolder("admit", async (folder) => {
    await mkdir(path.join(folder, "packages"));
    await writeFile(path.join(folder, "key.asc"), publicKey);
    const target = (entry: ClosurePackage): string =>
      path.join(folder, "packages", `${nevraOf(entry)}.rpm`);
    for (const entry of unknown) {
      const file = await store.blob(entry.sha256);
      if (file === undefined) throw new Error(`${nevraOf(entry)} was fetched and is gone`);
      // A copy, not a link: rpmsign writes to it.
      await copyFile(file, target(entry));
      await chmod(target(entry), 0o644);
    }
    await checkAndStrip(tools, folder);
    for (const entry of unknown) {
      const stored = await store.putFile(target(entry));
      await store.putAction(admitKey(context, entry, publicKey), {
        outputs: [{ name: `${nevraOf(entry)}.rpm`, ...stored }],
        facts: {},
      });
      plain.set(entry.sha256, { sha256: stored.sha256, sizeBytes: stored.size });
    }
  });
}

async function checkAndStrip(tools: ImageContext["tools"], folder: string): Promise<void> {
  const sandbox = {
    root: tools.root,
    mounts: [{ source: folder, target: "/job", writable: true }],
  };
  try {
    await runInSandbox(sandbox, ["sh", "-ec", checkAndStripScript], { step: "check signatures" });
  } catch (error) {
    if (!(error instanceof CommandError && error.commandExitCode === unsignedExitCode)) throw error;
    throw new CleanroomError(
      "signature-invalid",
      "a package is not signed by the key of its repository",
      {
        cause: error,
        place: { step: "check signatures" },
        hint: "publish the repository again with the key that this machine trusts",
      },
    );
  }
}
