import { mkdir, rename, utimes } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  CleanroomError,
  type Sha256,
  sha256,
  sha256Json,
  type Store,
  writeFileAtomic,
} from "@cleanroom/core";
import { assemblePackages, compareText, linkPackages, type PackageToPublish } from "./assemble.ts";
import {
  currentGeneration,
  currentId,
  defaultRepository,
  type Generation,
  generationFolder,
  type GenerationRecord,
  readGeneration,
  recordFileName,
  recordText,
  repositoryFolder,
  switchCurrent,
} from "./generation.ts";
import { signingKey } from "./sign/manage-keys.ts";
import { extraMetadata } from "./extras/extra-metadata.ts";
import type { RepositoryFile } from "./extras/repository-file.ts";
import { metadataOf } from "./metadata-chunks.ts";
import { publicKeyFileName, repoFileName, repoFileText } from "./repo-file.ts";
import { type MetadataCompression, writeRepodata } from "./repodata.ts";
import { type ExternalSigner, externalSigner } from "./sign/external-signer.ts";
import type { Signer } from "./sign/signer.ts";
import { storeSigner } from "./sign/store-signer.ts";
import type { PublisherContext } from "./sign/signing-key.ts";
import { checkGeneration, checksKey, type PublishChecks } from "./verify/checks.ts";

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
  readonly extras?: RepositoryFile;
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
      `published generation ${id} of ${repository}: ${generation.packages.length} packages`,
    );
    return { ...generation, publishedAt: now };
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
    version: 1,
    repository,
    keys: signer.fingerprints,
    tools: options.tools.digest,
    compression: options.compression ?? "zstd",
    signPackages: options.signPackages ?? true,
    extras: options.extras,
    checks: await checksKey(options.checks ?? {}),
    packages: [
      ...new Set(options.packages.map((one) => `${one.sha256} ${one.provenance ?? ""}`)),
    ].toSorted(compareText),
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
  signer: Signer,
): Promise<Generation> {
  const { store } = options;
  const signedPackages = options.signPackages ?? true;
  const previous = await currentGeneration(store, repository);
  const packages = await assemblePackages(options, signer, options.packages, {
    previous,
    signed: signedPackages,
  });
  return store.withTemporaryFolder("generation", async (temporary) => {
    const folder = path.join(temporary, "finished");
    await mkdir(folder);
    await linkPackages(options, folder, packages, previous);
    const described = packages.map((one) => ({ ...one, file: path.join(folder, one.location) }));
    const repomd = await writeRepodata(folder, metadataOf(store, described), {
      packageCount: packages.length,
      compression: options.compression ?? "zstd",
      extras: await extraMetadata(store, repository, options.extras, described),
      revisionSeconds: packages.reduce((latest, one) => Math.max(latest, one.buildTimeSeconds), 0),
    });
    const repomdSha256 = sha256(repomd);
    const record: GenerationRecord = {
      version: 1,
      id: sha256Json({ repository, repomdSha256, keys: signer.fingerprints, signedPackages }).slice(
        0,
        16,
      ),
      repository,
      repomdSha256,
      keyFingerprint: signer.fingerprint,
      signedPackages,
      packages: [...packages],
    };
    const target = generationFolder(store, repository, record.id);
    await writeFiles(folder, {
      "repodata/repomd.xml": repomd,
      "repodata/repomd.xml.asc": await signer.signText(options, repomd),
      // Where zypper looks when no .repo file names a key.
      "repodata/repomd.xml.key": signer.publicKeys,
      [publicKeyFileName]: signer.publicKeys,
      [repoFileName]: repoFileText(repository, currentUrl(store, repository), signedPackages),
      [recordFileName]: recordText(record),
    });
    const keyFile = path.join(folder, publicKeyFileName);
    await checkGeneration(options, folder, keyFile, options.checks ?? {});
    const same = await readGeneration(target);
    if (same !== undefined) return same;
    await mkdir(path.dirname(target), { recursive: true });
    await rename(folder, target);
    return { ...record, folder: target, publishedAt: new Date() };
  });
}

function refuseDevelopmentBuilds(packages: readonly PackageToPublish[]): void {
  const builds = packages.filter((one) => one.development === true);
  if (builds.length === 0) return;
  throw new CleanroomError(
    "development-build",
    `not from the locked sources:\n${builds.map(({ file }) => `    ${file}`).join("\n")}`,
    { hint: "build these packages without --source and publish again" },
  );
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
