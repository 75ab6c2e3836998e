import { existsSync } from "node:fs";
import { CleanroomError, mapConcurrent, type Sha256 } from "@cleanroom/core";
import type { ChunkedGeneration } from "./generation.ts";
import { packageLocation } from "./locations.ts";
import type { Identification } from "./metadata/identify.ts";
import type { PackageReader } from "./metadata/package-reader.ts";
import { type EarlierChunk, type PackageChunk, rebuildChunks } from "./package-chunk.ts";
import type { PublishedPackage } from "./published-package.ts";
import { signPackages, wrongDigest } from "./sign/sign-packages.ts";
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
  /**
   * Published before, and wanted on as long as it is in nobody's way: where it fails a check or has
   * the NEVRA of another package it is left out, with a warning.
   */
  readonly kept?: boolean;
}

export interface AssemblyOptions {
  /** The generation that clients see now. */
  readonly previous: ChunkedGeneration | undefined;
  /** Whether to sign the packages, or to take them as they are. */
  readonly signed: boolean;
}

/** The packages of a generation. */
export interface Assembly {
  /** In the order of the metadata. */
  readonly chunks: readonly PackageChunk[];
  /** Those of them that the generation before does not have. */
  readonly fresh: readonly PackageChunk[];
  /** The chunks of the generation before that go on in others. */
  readonly before: readonly PackageChunk[];
}

/**
 * Names and signs the packages of a new generation. What the generation before it has already is
 * taken from its record, without a look at the package; each other package is read once, and its
 * digest checked.
 *
 * @throws CleanroomError `nevra-conflict`, `package-digest`, `package-unreadable`,
 *   `development-build`
 */
export async function assemblePackages(
  context: PublisherContext,
  signer: Signer,
  reader: PackageReader,
  requested: readonly PackageToPublish[],
  { previous, signed: sign }: AssemblyOptions,
): Promise<Assembly> {
  const requests = new Requests(requested);
  const earlier = knownChunks(signer, previous, sign).map((chunk): EarlierChunk => {
    return { chunk, left: whatIsLeft(chunk, requests) };
  });
  const fresh = await readPackages(context, signer, reader, requests.unknown(), sign);
  const chunks = rebuildChunks(earlier, inOrder(fresh), (packages) =>
    withoutConflicts(context, inOrder(packages), requests),
  );
  const [wholes, all] = [new Set(chunks), new Set(earlier.map(({ chunk }) => chunk))];
  return {
    chunks,
    fresh: chunks.filter((chunk) => !all.has(chunk)),
    before: [...all].filter((chunk) => !wholes.has(chunk)),
  };
}

function inOrder(packages: readonly PublishedPackage[]): readonly PublishedPackage[] {
  return packages.toSorted((a, b) => compareText(a.name, b.name) || compareText(a.nevra, b.nevra));
}

/** What the generation before has, where it was signed by the same key. */
function knownChunks(
  signer: Signer,
  previous: ChunkedGeneration | undefined,
  sign: boolean,
): readonly PackageChunk[] {
  const isSame =
    previous?.keyFingerprint === signer.fingerprint && previous.signedPackages === sign;
  return isSame ? previous.record.chunks : [];
}

/** What is to be published, by digest; and which of it the generation before has. */
class Requests {
  readonly #requested: readonly PackageToPublish[];
  readonly #indexes = new Map<Sha256, number>();
  readonly #isKnown: Uint8Array;

  constructor(requested: readonly PackageToPublish[]) {
    this.#requested = requested;
    this.#isKnown = new Uint8Array(requested.length);
    for (const [index, { sha256 }] of requested.entries()) this.#indexes.set(sha256, index);
  }

  find(unsignedSha256: Sha256): PackageToPublish | undefined {
    const index = this.#indexes.get(unsignedSha256);
    if (index === undefined) return undefined;
    this.#isKnown[index] = 1;
    return this.#requested[index];
  }

  /** Those that nobody has asked for. */
  unknown(): readonly PackageToPublish[] {
    return [...this.#indexes.values()].flatMap((index) =>
      this.#isKnown[index] === 1 ? [] : (this.#requested[index] ?? []),
    );
  }
}

/** What of a chunk was requested again; undefined when it is all of it, as it stands. */
function whatIsLeft(
  chunk: PackageChunk,
  requests: Requests,
): readonly PublishedPackage[] | undefined {
  let isSame = true;
  for (const { unsignedSha256, provenance } of chunk.sources()) {
    const request = requests.find(unsignedSha256);
    isSame &&= request !== undefined && request.provenance === provenance;
  }
  if (isSame) return undefined;
  return chunk.packages().flatMap((one) => {
    const request = requests.find(one.unsignedSha256);
    return request === undefined ? [] : [withProvenance(one, request)];
  });
}

async function readPackages(
  context: PublisherContext,
  signer: Signer,
  reader: PackageReader,
  requests: readonly PackageToPublish[],
  sign: boolean,
): Promise<readonly PublishedPackage[]> {
  reader.expect(requests.length);
  const signed = sign ? await signPackages(context, signer, requests) : undefined;
  const lots: PackageToPublish[][] = [];
  for (let start = 0; start < requests.length; start += lotSize) {
    lots.push(requests.slice(start, start + lotSize));
  }
  const read = await mapConcurrent(lots, lotsAhead, (lot) => readLot(context, reader, lot, signed));
  return read.flat();
}

/** How many packages a thread is given at once. */
const lotSize = 100;

/** Enough that no thread waits for the next one, few enough that memory does not fill. */
const lotsAhead = 16;

async function readLot(
  context: PublisherContext,
  reader: PackageReader,
  requests: readonly PackageToPublish[],
  signed: ReadonlyMap<Sha256, Sha256> | undefined,
): Promise<readonly PublishedPackage[]> {
  if (signed === undefined) await takeIn(context, requests);
  const files = requests.map((one) => {
    const sha256 = signed === undefined ? one.sha256 : signed.get(one.sha256);
    if (sha256 === undefined) throw new TypeError(`${one.file} was not signed`);
    return { one, sha256, file: context.store.blobPath(sha256) };
  });
  const identifications = await reader.identify(files);
  const packages: PublishedPackage[] = [];
  for (const [index, { one, sha256 }] of files.entries()) {
    const { identity, sizeBytes, development } = await identified(
      context,
      one,
      sha256,
      identifications[index],
    );
    if (development) throw developmentBuild([one.file]);
    const location = packageLocation(identity, sha256);
    const { sha256: unsignedSha256 } = one;
    packages.push(
      withProvenance({ ...identity, location, sha256, sizeBytes, unsignedSha256 }, one),
    );
  }
  return packages;
}

function withProvenance(one: PublishedPackage, { provenance }: PackageToPublish): PublishedPackage {
  return one.provenance === provenance ? one : { ...one, provenance };
}

/** Packages as they are: into the store, where they are not there yet. */
async function takeIn(
  { store }: PublisherContext,
  packages: readonly PackageToPublish[],
): Promise<void> {
  for (const one of packages) {
    if (existsSync(store.blobPath(one.sha256))) continue;
    const { sha256 } = await store.putFile(one.file);
    if (sha256 !== one.sha256) throw wrongDigest(one, sha256);
  }
}

async function identified(
  { store }: PublisherContext,
  one: PackageToPublish,
  sha256: Sha256,
  result: Identification | undefined,
): Promise<Extract<Identification, { identity: unknown }>> {
  if (result !== undefined && "identity" in result) return result;
  if (result !== undefined && "failure" in result) {
    throw new CleanroomError("package-unreadable", `a package cannot be read: ${result.failure}`, {
      place: { file: one.file },
      hint: "build or fetch it again",
    });
  }
  // Reading it as a blob sets it aside.
  await store.blob(sha256);
  throw new CleanroomError("package-digest", "the store's copy of a package is damaged", {
    place: { file: one.file },
    hint: "run the command again: it is made anew",
  });
}

/** @throws CleanroomError `development-build` */
export function developmentBuild(files: readonly string[]): CleanroomError {
  return new CleanroomError(
    "development-build",
    `not from the locked sources:\n${files.map((file) => `    ${file}`).join("\n")}`,
    { hint: "build these packages without --source and publish again" },
  );
}

/**
 * No two packages of one NEVRA, which stand beside each other: one that is only kept gives way.
 *
 * @throws CleanroomError `nevra-conflict`
 */
function withoutConflicts(
  { logger }: PublisherContext,
  packages: readonly PublishedPackage[],
  requests: Requests,
): readonly PublishedPackage[] {
  const isKept = (one: PublishedPackage): boolean =>
    requests.find(one.unsignedSha256)?.kept === true;
  const result: PublishedPackage[] = [];
  for (const one of packages) {
    const other = result.at(-1);
    if (other?.nevra !== one.nevra) result.push(one);
    else if (isKept(one) || isKept(other)) {
      logger.warning(`left out ${one.nevra} as it was published before: there is another one now`);
      if (!isKept(one)) result[result.length - 1] = one;
    } else throw nevraConflict([other, one], requests);
  }
  return result;
}

function nevraConflict(
  packages: readonly [PublishedPackage, PublishedPackage],
  requests: Requests,
): CleanroomError {
  const lines = packages.map(
    (one) => `    ${requests.find(one.unsignedSha256)?.file ?? ""} (sha256 ${one.unsignedSha256})`,
  );
  return new CleanroomError(
    "nevra-conflict",
    `two different packages are called ${packages[0].nevra}:\n${lines.join("\n")}`,
    { hint: "publish one of them, or give one another Release" },
  );
}

/** By code units: the order must not depend on the machine's locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
