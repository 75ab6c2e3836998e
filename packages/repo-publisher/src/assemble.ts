import { linkSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, mapConcurrent, type Sha256 } from "@cleanroom/core";
import type { Generation, PublishedPackage } from "./generation.ts";
import { readHeaderOf } from "./read-header.ts";
import { type SignedPackage, signPackages, wrongDigest } from "./sign/sign-packages.ts";
import type { Signer } from "./sign/signer.ts";
import type { PublisherContext } from "./sign/signing-key.ts";

/** A package to publish. */
export interface PackageToPublish {
  /** Path of the unsigned .rpm, such as a blob of the store. */
  readonly file: string;
  /** Digest of that file's bytes. */
  readonly sha256: Sha256;
  /** Its SLSA provenance, a blob of the store. */
  readonly provenance?: Sha256 | undefined;
  /** Built from something else than the locked sources: refused. */
  readonly development?: boolean;
}

export interface AssemblyOptions {
  /** The generation that clients see now. */
  readonly previous: Generation | undefined;
  /** Whether to sign the packages, or to take them as they are. */
  readonly signed: boolean;
}

/** What is taken from a header; the rest of it would fill the memory for nothing. */
type Identity = Omit<PublishedPackage, "location" | "sha256" | "sizeBytes" | "unsignedSha256">;

interface NewPackage extends PackageToPublish {
  readonly identity: Identity;
}

/**
 * Names and signs the packages of a new generation, in the order of its metadata. What the
 * generation before it has already is taken from its record, without a look at the package.
 *
 * @throws CleanroomError `nevra-conflict`, `package-digest`, `package-unreadable`
 */
export async function assemblePackages(
  context: PublisherContext,
  signer: Signer,
  requested: readonly PackageToPublish[],
  { previous, signed: sign }: AssemblyOptions,
): Promise<readonly PublishedPackage[]> {
  const known = new Map(
    previous?.keyFingerprint === signer.fingerprint && previous.signedPackages === sign
      ? previous.packages.map((one) => [one.unsignedSha256, one])
      : [],
  );
  const byDigest = new Map(requested.map((one) => [one.sha256, one]));
  const fresh = await mapConcurrent(
    [...byDigest.values()].filter((one) => !known.has(one.sha256)),
    4,
    async (one): Promise<NewPackage> => ({ ...one, identity: await readIdentity(one.file) }),
  );
  const kept = [...byDigest.keys()].flatMap((digest) => known.get(digest) ?? []);
  refuseConflicts(
    [
      ...kept.map(({ nevra, unsignedSha256: sha256 }) => ({ nevra, sha256 })),
      ...fresh.map(({ identity: { nevra }, sha256 }) => ({ nevra, sha256 })),
    ],
    byDigest,
  );
  const signed = sign ? await signPackages(context, signer, fresh) : await takeIn(context, fresh);
  const published = fresh.map((one) => {
    const result = signed.get(one.sha256);
    if (result === undefined) throw new TypeError(`${one.file} was not signed`);
    return publishedPackage(one, result);
  });
  return [...kept, ...published]
    .map((one) => ({ ...one, provenance: byDigest.get(one.unsignedSha256)?.provenance }))
    .toSorted((a, b) => compareText(a.name, b.name) || compareText(a.nevra, b.nevra));
}

/** Packages as they are: into the store, where they are not there yet. */
async function takeIn(
  { store }: PublisherContext,
  packages: readonly NewPackage[],
): Promise<ReadonlyMap<Sha256, SignedPackage>> {
  const taken = await mapConcurrent(packages, 4, async (one) => {
    const { size } = await stat(one.file);
    if (!(await store.hasBlob(one.sha256, size))) {
      const { sha256 } = await store.putFile(one.file);
      if (sha256 !== one.sha256) throw wrongDigest(one, sha256);
    }
    return [one.sha256, { sha256: one.sha256, sizeBytes: size }] as const;
  });
  return new Map(taken);
}

function refuseConflicts(
  packages: readonly { readonly nevra: string; readonly sha256: Sha256 }[],
  requested: ReadonlyMap<Sha256, PackageToPublish>,
): void {
  const seen = new Map<string, Sha256>();
  for (const { nevra, sha256 } of packages) {
    const other = seen.get(nevra);
    seen.set(nevra, sha256);
    if (other === undefined) continue;
    const line = (digest: Sha256): string =>
      `    ${requested.get(digest)?.file ?? ""} (sha256 ${digest})`;
    throw new CleanroomError(
      "nevra-conflict",
      `two different packages are called ${nevra}:\n${line(other)}\n${line(sha256)}`,
      { hint: "publish one of them, or give one another Release" },
    );
  }
}

/** By code units: the order must not depend on the machine's locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function readIdentity(file: string): Promise<Identity> {
  try {
    const header = await readHeaderOf(file);
    const { nevra, name, epoch, version, release, sourceRpm = null, buildTimeSeconds } = header;
    const arch = header.isSource ? "src" : header.arch;
    return { nevra, name, epoch, version, release, arch, sourceRpm, buildTimeSeconds };
  } catch (error) {
    throw new CleanroomError("package-unreadable", "a package to publish cannot be read", {
      place: { file },
      cause: error,
      hint: "build or fetch it again",
    });
  }
}

/**
 * The location holds a piece of the digest. A package that is built again under the same NEVRA
 * then gets another location, and a client that still has the metadata of an older generation
 * never meets bytes which that metadata does not describe.
 */
function publishedPackage(
  { identity, sha256: unsignedSha256 }: NewPackage,
  { sha256, sizeBytes }: SignedPackage,
): PublishedPackage {
  const { name, version, release, arch } = identity;
  const fileName = `${name}-${version}-${release}.${arch}.${sha256.slice(0, 12)}.rpm`;
  const location = `Packages/${name.slice(0, 1).toLowerCase()}/${fileName}`;
  return { ...identity, location, sha256, sizeBytes, unsignedSha256 };
}

/**
 * Puts the signed packages into a generation's folder, as hard links: from the generation before
 * it, where they were verified on their way in, else from the store.
 */
export async function linkPackages(
  { store }: PublisherContext,
  folder: string,
  packages: readonly PublishedPackage[],
  previous: Generation | undefined,
): Promise<void> {
  const folders = new Set(packages.map((one) => path.dirname(one.location)));
  for (const one of folders) await mkdir(path.join(folder, one), { recursive: true });
  const before = new Set(previous?.packages.map((one) => one.location));
  const fresh = packages.filter(
    (one) =>
      previous === undefined || !before.has(one.location) || !linkFrom(previous, one, folder),
  );
  await mapConcurrent(fresh, 4, ({ location, sha256 }) =>
    store.materialize(sha256, path.join(folder, location)),
  );
}

/**
 * False where the older generation's file cannot be linked to. Synchronous: there are as many links
 * as packages, and handing each to another thread costs several times the link.
 */
function linkFrom(previous: Generation, { location }: PublishedPackage, folder: string): boolean {
  try {
    linkSync(path.join(previous.folder, location), path.join(folder, location));
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (isMissingFile(error) || ["EXDEV", "EMLINK", "EPERM"].includes(code)) return false;
    throw error;
  }
}
