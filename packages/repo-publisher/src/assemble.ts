import { createReadStream } from "node:fs";
import { link, mkdir } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, mapConcurrent, type Sha256 } from "@cleanroom/core";
import { readRpmHeader, type RpmHeader } from "rpm-parser";
import type { Generation, PublishedPackage } from "./generation.ts";
import { type SignedPackage, signPackages } from "./sign.ts";
import type { PublisherContext, SigningKey } from "./signing-key.ts";

/** A package to publish. */
export interface PackageToPublish {
  /** Path of the unsigned .rpm, such as a blob of the store. */
  readonly file: string;
  /** Digest of that file's bytes. */
  readonly sha256: Sha256;
  /** Built from something else than the locked sources: refused. */
  readonly development?: boolean;
}

interface NewPackage extends PackageToPublish {
  readonly header: RpmHeader;
}

/**
 * Names and signs the packages of a new generation, in the order of its metadata. What the
 * generation before it has already is taken from its record, without a look at the package.
 *
 * @throws CleanroomError `nevra-conflict`, `package-digest`, `package-unreadable`
 */
export async function assemblePackages(
  context: PublisherContext,
  key: SigningKey,
  requested: readonly PackageToPublish[],
  previous: Generation | undefined,
): Promise<readonly PublishedPackage[]> {
  const known = new Map(
    previous?.keyFingerprint === key.fingerprint
      ? previous.packages.map((one) => [one.unsignedSha256, one])
      : [],
  );
  const byDigest = new Map(requested.map((one) => [one.sha256, one]));
  const fresh = await mapConcurrent(
    [...byDigest.values()].filter((one) => !known.has(one.sha256)),
    4,
    async (one): Promise<NewPackage> => ({ ...one, header: await readHeader(one.file) }),
  );
  const kept = [...byDigest.keys()].flatMap((digest) => known.get(digest) ?? []);
  refuseConflicts(
    [
      ...kept.map(({ nevra, unsignedSha256: sha256 }) => ({ nevra, sha256 })),
      ...fresh.map(({ header: { nevra }, sha256 }) => ({ nevra, sha256 })),
    ],
    byDigest,
  );
  const signed = await signPackages(context, key, fresh);
  const published = fresh.map((one) => {
    const result = signed.get(one.sha256);
    if (result === undefined) throw new TypeError(`${one.file} was not signed`);
    return publishedPackage(one, result);
  });
  return [...kept, ...published].toSorted(
    (a, b) => compareText(a.name, b.name) || compareText(a.nevra, b.nevra),
  );
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

async function readHeader(file: string): Promise<RpmHeader> {
  try {
    return await readRpmHeader(createReadStream(file));
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
  { header, sha256: unsignedSha256 }: NewPackage,
  { sha256, sizeBytes }: SignedPackage,
): PublishedPackage {
  const { nevra, name, epoch, version, release, sourceRpm = null, buildTimeSeconds } = header;
  const arch = header.isSource ? "src" : header.arch;
  const fileName = `${name}-${version}-${release}.${arch}.${sha256.slice(0, 12)}.rpm`;
  const location = `Packages/${name.slice(0, 1).toLowerCase()}/${fileName}`;
  return {
    nevra,
    name,
    epoch,
    version,
    release,
    arch,
    sourceRpm,
    location,
    sha256,
    sizeBytes,
    unsignedSha256,
    buildTimeSeconds,
  };
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
  await mapConcurrent(packages, 4, async ({ location, sha256 }) => {
    const target = path.join(folder, location);
    if (previous === undefined || !before.has(location)) return store.materialize(sha256, target);
    try {
      await link(path.join(previous.folder, location), target);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!isMissingFile(error) && !["EXDEV", "EMLINK", "EPERM"].includes(code)) throw error;
      await store.materialize(sha256, target);
    }
  });
}
