import { createReadStream } from "node:fs";
import { mkdir, rename, utimes } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { CleanroomError, type Sha256, sha256, sha256Json, writeFileAtomic } from "@cleanroom/core";
import { readRpmHeader, type RpmHeader } from "rpm-parser";
import {
  currentId,
  defaultRepository,
  type Generation,
  generationFolder,
  type GenerationRecord,
  type PublishedPackage,
  readGeneration,
  recordFileName,
  repositoryFolder,
  switchCurrent,
} from "./generation.ts";
import { type PackageMetadata, packageMetadata } from "./package-metadata.ts";
import { publicKeyFileName, repoFileName, repoFileText } from "./repo-file.ts";
import { type MetadataCompression, writeRepodata } from "./repodata.ts";
import { signDetached, type SignedPackage, signPackages } from "./sign.ts";
import { type PublisherContext, type SigningKey, signingKey } from "./signing-key.ts";

/** A package to publish. */
export interface PackageToPublish {
  /** Path of the unsigned .rpm, such as a blob of the store. */
  readonly file: string;
  /** Digest of that file's bytes. */
  readonly sha256: Sha256;
}

export interface PublishOptions extends PublisherContext {
  /** `cleanroom` when absent. */
  readonly repository?: string;
  /** All packages of the new generation: what is not listed is no longer in the repository. */
  readonly packages: readonly PackageToPublish[];
  /** Name of the store's key to sign with; made when it is not there. `cleanroom` when absent. */
  readonly key?: string;
  /** `zstd` when absent. */
  readonly compression?: MetadataCompression;
}

/** A package whose unsigned header has been read. */
interface Candidate extends PackageToPublish {
  readonly header: RpmHeader;
}

/**
 * Publishes a set of packages as a signed generation, and makes it current by one rename: clients
 * see the old generation whole or the new one whole. The same set again is the same generation,
 * found without reading a package.
 *
 * @throws CleanroomError `nevra-conflict`, `package-digest`, `package-unreadable`,
 *   `repository-name`, `key-name`, `key-unreadable`; and those of running rpmsign and gpg.
 */
export async function publish(options: PublishOptions): Promise<Generation> {
  const { store, repository = defaultRepository } = options;
  // Refuses a bad name before anything is made.
  repositoryFolder(store, repository);
  const key = await signingKey(options, options.key);
  const request = requestKey(options, key, repository);
  const before = await publishedBefore(options, repository, request);
  if (before !== undefined && (await currentId(store, repository)) === before.id) return before;
  return store.withLock(`repo-${repository}`, async () => {
    const known = before ?? (await publishedBefore(options, repository, request));
    const generation = known ?? (await makeGeneration(options, repository, key));
    const { id } = generation;
    if (known === undefined) await store.putAction(request, { outputs: [], facts: { id } });
    const now = new Date();
    await utimes(path.join(generation.folder, recordFileName), now, now);
    await switchCurrent(store, repository, id);
    options.logger.info(
      `published generation ${id} of ${repository}: ${generation.packages.length} packages`,
    );
    return { ...generation, publishedAt: now };
  });
}

/** The digest of all that decides which generation a request leads to. */
function requestKey(options: PublishOptions, key: SigningKey, repository: string): Sha256 {
  return sha256Json({
    action: "publish",
    version: 1,
    repository,
    key: key.fingerprint,
    tools: options.tools.digest,
    compression: options.compression ?? "zstd",
    packages: [...new Set(options.packages.map((one) => one.sha256))].toSorted(),
  });
}

async function publishedBefore(
  { store }: PublisherContext,
  repository: string,
  request: Sha256,
): Promise<Generation | undefined> {
  const id = (await store.action(request))?.facts["id"];
  if (typeof id !== "string") return undefined;
  return readGeneration(generationFolder(store, repository, id));
}

async function makeGeneration(
  options: PublishOptions,
  repository: string,
  key: SigningKey,
): Promise<Generation> {
  const { store } = options;
  const candidates = await readCandidates(options.packages);
  const signed = await signPackages(options, key, candidates);
  return store.withTemporaryFolder("generation", async (temporary) => {
    const folder = path.join(temporary, "finished");
    await mkdir(folder);
    const packages: PublishedPackage[] = [];
    const metadata: PackageMetadata[] = [];
    for (const candidate of candidates) {
      const result = signed.get(candidate.sha256);
      if (result === undefined) throw new TypeError(`${candidate.file} was not signed`);
      const published = publishedPackage(candidate, result);
      const file = path.join(folder, published.location);
      await store.materialize(published.sha256, file);
      packages.push(published);
      // The signed file's own header: signing moves the main header to another offset.
      metadata.push(packageMetadata(await readHeader(file), published));
    }
    const { repomd } = await writeRepodata(folder, metadata, {
      compression: options.compression ?? "zstd",
      revisionSeconds: Math.max(0, ...packages.map((one) => one.buildTimeSeconds)),
    });
    const repomdSha256 = sha256(repomd);
    const record: GenerationRecord = {
      version: 1,
      id: sha256Json({ repository, repomdSha256, key: key.fingerprint }).slice(0, 16),
      repository,
      repomdSha256,
      keyFingerprint: key.fingerprint,
      packages,
    };
    const target = generationFolder(store, repository, record.id);
    const same = await readGeneration(target);
    if (same !== undefined) return same;
    const write = (name: string, text: string): Promise<void> =>
      writeFileAtomic(path.join(folder, name), text);
    await write("repodata/repomd.xml", repomd);
    await write("repodata/repomd.xml.asc", await signDetached(options, key, repomd));
    await write(publicKeyFileName, key.publicKey);
    // Where zypper looks when no .repo file names a key.
    await write("repodata/repomd.xml.key", key.publicKey);
    const current = pathToFileURL(path.join(repositoryFolder(store, repository), "current")).href;
    await write(repoFileName, repoFileText(repository, current));
    await write(recordFileName, `${JSON.stringify(record, null, 1)}\n`);
    await mkdir(path.dirname(target), { recursive: true });
    await rename(folder, target);
    return { ...record, folder: target, publishedAt: new Date() };
  });
}

/** Reads the headers, refuses what cannot be together, and puts the packages in their order. */
async function readCandidates(
  packages: readonly PackageToPublish[],
): Promise<readonly Candidate[]> {
  const byNevra = new Map<string, Candidate>();
  for (const one of packages) {
    const header = await readHeader(one.file);
    const other = byNevra.get(header.nevra);
    if (other === undefined) {
      byNevra.set(header.nevra, { ...one, header });
    } else if (other.sha256 !== one.sha256) {
      throw new CleanroomError(
        "nevra-conflict",
        `two different packages are called ${header.nevra}:\n    ${other.file} (sha256 ${other.sha256})\n    ${one.file} (sha256 ${one.sha256})`,
        { hint: "publish one of them, or give one another Release" },
      );
    }
  }
  return [...byNevra.values()].toSorted(
    (a, b) =>
      compareText(a.header.name, b.header.name) || compareText(a.header.nevra, b.header.nevra),
  );
}

/** By code units: the order must not depend on the machine's locale. */
function compareText(a: string, b: string): number {
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
  { header, sha256: unsignedSha256 }: Candidate,
  signed: SignedPackage,
): PublishedPackage {
  const { nevra, name, epoch, version, release, sourceRpm = null, buildTimeSeconds } = header;
  const arch = header.isSource ? "src" : header.arch;
  const fileName = `${name}-${version}-${release}.${arch}.${signed.sha256.slice(0, 12)}.rpm`;
  const location = `Packages/${name.slice(0, 1).toLowerCase()}/${fileName}`;
  const { sha256, sizeBytes } = signed;
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
