import { mkdir, rename, symlink, utimes } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  mapConcurrent,
  type Sha256,
  sha256,
  sha256Json,
  type Store,
  writeFileAtomic,
} from "@cleanroom/core";
import { assemblePackages, developmentBuild, type PackageToPublish } from "./assemble.ts";
import {
  type ChunkedGeneration,
  currentGeneration,
  currentId,
  defaultRepository,
  type Generation,
  generationFolder,
  generationOf,
  readGeneration,
  repositoryFolder,
  switchCurrent,
} from "./generation.ts";
import {
  type ChunkedRecord,
  type RecordHead,
  recordFileName,
  writeRecord,
} from "./generation-record.ts";
import { signingKey } from "./sign/manage-keys.ts";
import { extraMetadata } from "./extras/extra-metadata.ts";
import type { RepositoryExtras } from "./extras/repository-file.ts";
import { metadataOf } from "./metadata/metadata-chunks.ts";
import { PackageReader } from "./metadata/package-reader.ts";
import { countOf, latestOf } from "./package-chunk.ts";
import { addChunksToPool, poolLink, poolName, usesPool } from "./package-pool.ts";
import type { PublishedPackage } from "./published-package.ts";
import { publicKeyFileName, repoFileName, repoFileText } from "./repo-file.ts";
import type { MetadataCompression } from "./metadata/packing.ts";
import { writeRepodata } from "./metadata/repodata.ts";
import { type ExternalSigner, externalSigner } from "./sign/external-signer.ts";
import type { Signer } from "./sign/signer.ts";
import { storeSigner } from "./sign/store-signer.ts";
import type { PublisherContext } from "./sign/signing-key.ts";
import {
  checksAnything,
  checksKey,
  type Offender,
  offendersError,
  offendersIn,
  type PublishChecks,
} from "./verify/checks.ts";

export interface PublishOptions extends PublisherContext {
  /** `cleanroom` when absent. */
  readonly repository?: string;
  /** All packages of the new generation: what is not listed is no longer in the repository. */
  readonly packages: readonly PackageToPublish[];
  /** Name of the store's key to sign with; made when it is not there. `cleanroom` when absent. */
  readonly key?: string;
  /** Signs in place of a key of the store. */
  readonly signer?: ExternalSigner;
  /** `zstd` when absent. */
  readonly compression?: MetadataCompression;
  /**
   * Whether to sign the packages; true when absent. Without it they are published as they are, and
   * clients rely on the digests in the signed metadata.
   */
  readonly signPackages?: boolean;
  /** Groups and updates to tell clients of. */
  readonly extras?: RepositoryExtras;
  /** What is checked before clients see the generation. */
  readonly checks?: PublishChecks;
}

/**
 * Publishes a set of packages as a signed generation, and makes it current by one rename: clients
 * see the old generation whole or the new one whole. The same set again is the same generation,
 * found without reading a package.
 *
 * @throws CleanroomError `nevra-conflict`, `development-build`, `repository-forbidden`,
 *   `repository-incomplete`, `package-digest`, `package-unreadable`,
 *   `repository-name`, `key-name`, `key-unreadable`; and those of running rpmsign and gpg.
 */
export async function publish(options: PublishOptions): Promise<Generation> {
  const { store, repository = defaultRepository } = options;
  // Refuses a bad name before anything is made.
  repositoryFolder(store, repository);
  const signer =
    options.signer === undefined
      ? storeSigner(await signingKey(options, options.key))
      : externalSigner(options.signer);
  refuseDevelopmentBuilds(options.packages);
  const request = await requestKey(options, signer, repository);
  const before = await publishedBefore(options, repository, request);
  if (before !== undefined && (await currentId(store, repository)) === before.id) return before;
  return store.withLock(`repo-${repository}`, async () => {
    const known = before ?? (await publishedBefore(options, repository, request));
    const generation = known ?? (await makeGeneration(options, repository, signer));
    const { id } = generation;
    if (known === undefined) await store.putAction(request, { outputs: [], facts: { id } });
    const now = new Date();
    await utimes(path.join(generation.folder, recordFileName), now, now);
    await switchCurrent(store, repository, id);
    options.logger.info(
      `published generation ${id} of ${repository}: ${generation.packageCount} packages`,
    );
    return generationOf(generation.record, generation.folder, now);
  });
}

/** The digest of all that decides which generation a request leads to. */
async function requestKey(
  options: PublishOptions,
  signer: Signer,
  repository: string,
): Promise<Sha256> {
  return sha256Json({
    action: "publish",
    version: 2,
    repository,
    keys: signer.fingerprints,
    tools: options.tools.digest,
    compression: options.compression ?? "zstd",
    signPackages: options.signPackages ?? true,
    extras: { groups: options.extras?.groups, updates: options.extras?.updates },
    checks: await checksKey(options.checks ?? {}),
    // One text, and in the order in which they come: there may be very many. In another order they
    // lead to the same generation, found in another way.
    packages: sha256(
      options.packages
        .map((one) => `${one.sha256} ${one.provenance ?? ""} ${one.kept ?? false}\n`)
        .join(""),
    ),
  });
}

async function publishedBefore(
  { store }: PublisherContext,
  repository: string,
  request: Sha256,
): Promise<ChunkedGeneration | undefined> {
  const id = (await store.action(request))?.facts["id"];
  if (typeof id !== "string") return undefined;
  return readGeneration(generationFolder(store, repository, id));
}

/** An offender, by the digest under which it was requested. */
type RequestedOffender = Offender & { readonly unsignedSha256: Sha256 | undefined };

function withRequests(
  offenders: readonly Offender[],
  packages: readonly PublishedPackage[],
): readonly RequestedOffender[] {
  const requests = new Map(packages.map((one) => [one.sha256, one.unsignedSha256]));
  return offenders.map((one) => ({ ...one, unsignedSha256: requests.get(one.sha256 ?? "") }));
}

async function makeGeneration(
  options: PublishOptions,
  repository: string,
  signer: Signer,
): Promise<ChunkedGeneration> {
  const { store } = options;
  const previous = await currentGeneration(store, repository);
  return store.withTemporaryFolder("descriptions", async (folder) => {
    const reader = new PackageReader(folder);
    try {
      let { packages } = options;
      for (;;) {
        const made = await writeGeneration(
          { ...options, packages },
          repository,
          signer,
          reader,
          previous,
        );
        if ("generation" in made) return made.generation;
        packages = withoutKept(options, packages, made.offenders);
      }
    } finally {
      await reader.close();
    }
  });
}

/**
 * What is left of a request when the offenders are left out that were only kept: as the base and the
 * specs go on, an older package may no longer fit, and must not stop others.
 *
 * @throws CleanroomError `repository-forbidden`, `repository-incomplete`
 */
function withoutKept(
  { logger }: PublishOptions,
  packages: readonly PackageToPublish[],
  offenders: readonly RequestedOffender[],
): readonly PackageToPublish[] {
  const kept = new Set(packages.filter((one) => one.kept === true).map((one) => one.sha256));
  const others = offenders.filter(({ unsignedSha256 = "" }) => !kept.has(unsignedSha256));
  if (others.length > 0) throw offendersError(others);
  for (const { nevra, reasons } of offenders) {
    logger.warning(`left out ${nevra}, which was published before: ${reasons.join("; ")}`);
  }
  const out = new Set(offenders.map((one) => one.unsignedSha256));
  return packages.filter((one) => !out.has(one.sha256));
}

async function writeGeneration(
  options: PublishOptions,
  repository: string,
  signer: Signer,
  reader: PackageReader,
  previous: ChunkedGeneration | undefined,
): Promise<
  { readonly generation: ChunkedGeneration } | { readonly offenders: readonly RequestedOffender[] }
> {
  const { store, compression = "zstd", signPackages: signedPackages = true, checks = {} } = options;
  const assembly = await assemblePackages(options, signer, reader, options.packages, {
    previous,
    signed: signedPackages,
  });
  return store.withTemporaryFolder("generation", async (temporary) => {
    const folder = path.join(temporary, "finished");
    await mkdir(folder);
    const allPackages = (): readonly PublishedPackage[] =>
      assembly.chunks.flatMap((chunk) => chunk.packages());
    const { chunks, repomd } = await writeRepodata(
      folder,
      metadataOf(store, reader, assembly.chunks, assembly.before),
      {
        packageCount: countOf(assembly.chunks),
        compression,
        extras: await extraMetadata(store, repository, options.extras, assembly.chunks),
        revisionSeconds: latestOf(assembly.chunks, ({ summary }) => summary.latestBuildTimeSeconds),
      },
    );
    const repomdSha256 = sha256(repomd);
    const head: RecordHead = {
      version: 1,
      id: sha256Json({ repository, repomdSha256, keys: signer.fingerprints, signedPackages }).slice(
        0,
        16,
      ),
      repository,
      repomdSha256,
      keyFingerprint: signer.fingerprint,
      signedPackages,
    };
    const record: ChunkedRecord = { head, chunks };
    const target = generationFolder(store, repository, head.id);
    let signature = "";
    const signing = async (): Promise<void> => {
      signature = await signer.signText(options, repomd);
    };
    const pooling = async (): Promise<void> => {
      const isPooled = await usesPool(previous);
      await addChunksToPool(store, repository, isPooled ? assembly.fresh : assembly.chunks);
    };
    const isChecked = checksAnything(checks);
    const steps = [signing, () => writeRecord(folder, record), ...(isChecked ? [] : [pooling])];
    // All end before the folder goes, whichever fails.
    await mapConcurrent(steps, steps.length, (step) => step());
    await writeFiles(folder, {
      "repodata/repomd.xml": repomd,
      "repodata/repomd.xml.asc": signature,
      // Where zypper looks when no .repo file names a key.
      "repodata/repomd.xml.key": signer.publicKeys,
      [publicKeyFileName]: signer.publicKeys,
      [repoFileName]: repoFileText(repository, currentUrl(store, repository), signedPackages),
    });
    await symlink(poolLink, path.join(folder, poolName));
    const keyFile = path.join(folder, publicKeyFileName);
    const offenders = await offendersIn(options, folder, keyFile, checks);
    if (offenders.length > 0) return { offenders: withRequests(offenders, allPackages()) };
    // What has not passed the checks is nowhere where clients could find it.
    if (isChecked) await pooling();
    const same = await readGeneration(target);
    if (same !== undefined) return { generation: same };
    await mkdir(path.dirname(target), { recursive: true });
    await rename(folder, target);
    return { generation: generationOf(record, target, new Date()) };
  });
}

function refuseDevelopmentBuilds(packages: readonly PackageToPublish[]): void {
  const builds = packages.filter((one) => one.development === true);
  if (builds.length > 0) throw developmentBuild(builds.map(({ file }) => file));
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await writeFileAtomic(path.join(folder, name), text);
  }
}

/** For clients on this machine; a server names its own address in its place. */
function currentUrl(store: Store, repository: string): string {
  return pathToFileURL(path.join(repositoryFolder(store, repository), "current")).href;
}
