import type { Sha256 } from "@cleanroom/core";
import type { StoredMetadata } from "./metadata/stored-metadata.ts";
import {
  type PackageSource,
  parseRecordLines,
  type PublishedPackage,
  recordedSources,
  recordLines,
} from "./published-package.ts";

/** What a generation's record says of a chunk, besides its packages. */
export interface ChunkSummary {
  readonly packageCount: number;
  /** The chunk's greatest name. */
  readonly lastName: string;
  readonly latestBuildTimeSeconds: number;
}

/**
 * Some neighbouring packages of a generation. Where none of them changes from one generation to the
 * next, the chunk is taken over as a whole: its part of the record, and its metadata.
 */
export class PackageChunk {
  readonly summary: ChunkSummary;
  /** Its part of the record: one package a line, UTF-8. */
  readonly record: Buffer;
  /** Where its metadata is, as far as it was made already. */
  readonly metadata: StoredMetadata | undefined;

  constructor(summary: ChunkSummary, record: Buffer, metadata?: StoredMetadata) {
    this.summary = summary;
    this.record = record;
    this.metadata = metadata;
  }

  withMetadata(metadata: StoredMetadata): PackageChunk {
    return new PackageChunk(this.summary, this.record, metadata);
  }

  /** Taken out of the record each time: there may be very many. */
  packages(): readonly PublishedPackage[] {
    return parseRecordLines(this.record.toString());
  }

  /** What each package was made of, in order. */
  sources(): Generator<PackageSource> {
    // All that is looked for is ASCII.
    return recordedSources(this.record.toString("latin1"));
  }

  /** Digests of the provenance of its packages, as far as they have one. */
  provenance(): readonly Sha256[] {
    if (!this.record.includes(`"provenance":"`)) return [];
    return [...this.sources()].flatMap(({ provenance }) => provenance ?? []);
  }
}

/** @param packages at least one, sorted by name */
export function chunkOf(packages: readonly PublishedPackage[]): PackageChunk {
  const summary = {
    packageCount: packages.length,
    lastName: packages.at(-1)?.name ?? "",
    latestBuildTimeSeconds: latestOf(packages, (one) => one.buildTimeSeconds),
  };
  return new PackageChunk(summary, Buffer.from(recordLines(packages)));
}

/** How many packages there are in some chunks. */
export function countOf(chunks: readonly PackageChunk[]): number {
  return chunks.reduce((sum, { summary }) => sum + summary.packageCount, 0);
}

/** The greatest of some seconds since 1970. */
export function latestOf<Item>(items: readonly Item[], seconds: (item: Item) => number): number {
  return items.reduce((latest, one) => Math.max(latest, seconds(one)), 0);
}

/** How many names there are to a chunk on the average: a power of two. */
const namesPerChunk = 256;

/**
 * Cuts a sorted list of packages into chunks. Where a chunk ends depends on the names at that
 * place alone, so adding or removing a package changes one chunk and leaves the others as they
 * are, wherever in the list it is.
 */
export function cutChunks<Named extends { readonly name: string }>(
  packages: readonly Named[],
): readonly (readonly Named[])[] {
  const chunks: Named[][] = [];
  let start = 0;
  for (let index = 0; index < packages.length; index++) {
    const name = packages[index]?.name ?? "";
    const next = packages[index + 1];
    if (next !== undefined && (next.name === name || !endsChunk(name))) continue;
    chunks.push(packages.slice(start, index + 1));
    start = index + 1;
  }
  return chunks;
}

/** FNV-1a, 32 bits: quick, and as good as any where nobody gains by a bad cut. */
function endsChunk(name: string): boolean {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return ((hash ^ (hash >>> 15)) & (namesPerChunk - 1)) === 0;
}

/** A chunk of the generation before, and what of its packages goes on: all of them when absent. */
export interface EarlierChunk {
  readonly chunk: PackageChunk;
  readonly left?: readonly PublishedPackage[] | undefined;
}

/**
 * The chunks of a generation: those of the one before, as far as nothing in them has changed, and
 * new ones. They are the same as if all packages were cut anew.
 *
 * @param fresh sorted by name
 * @param merged puts the packages of one or more chunks into the order of the metadata
 */
export function rebuildChunks(
  earlier: readonly EarlierChunk[],
  fresh: readonly PublishedPackage[],
  merged: (packages: readonly PublishedPackage[]) => readonly PublishedPackage[],
): readonly PackageChunk[] {
  const chunks: PackageChunk[] = [];
  let pending: readonly PublishedPackage[] = [];
  let start = 0;
  for (const [index, { chunk, left }] of earlier.entries()) {
    const isLast = index === earlier.length - 1;
    let end = isLast ? fresh.length : start;
    while (end < fresh.length && (fresh[end]?.name ?? "") <= chunk.summary.lastName) end++;
    const come = fresh.slice(start, end);
    start = end;
    if (pending.length === 0 && come.length === 0 && left === undefined) {
      chunks.push(chunk);
      continue;
    }
    const cut = [...cutChunks(merged([...pending, ...(left ?? chunk.packages()), ...come]))];
    // The last one goes on with what follows, unless its last name ends a chunk anyway.
    const last = cut.at(-1) ?? [];
    pending = isLast || endsChunk(last.at(-1)?.name ?? "") ? [] : (cut.pop() ?? []);
    chunks.push(...cut.map(chunkOf));
  }
  const rest = cutChunks(merged(fresh.slice(start)));
  return [...chunks, ...rest.map(chunkOf)];
}
