import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { mapConcurrent, type Sha256, sha256Json, type Store } from "@cleanroom/core";
import { type PackageFile, type PackageMetadata, packageMetadata } from "./package-metadata.ts";
import { readHeaderOf } from "./read-header.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const kinds = ["primary", "filelists", "other"] as const;

/** A package whose metadata is wanted, and where its signed .rpm lies. */
export interface PackageToDescribe extends PackageFile {
  readonly name: string;
  /** Path of the signed .rpm. */
  readonly file: string;
}

/** The metadata of some neighbouring packages, as UTF-8. */
export type MetadataChunk = Readonly<Record<keyof PackageMetadata, Buffer>>;

/** Raised when {@link packageMetadata} writes something else for the same package. */
const metadataVersion = 1;

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
  let chunk: Named[] = [];
  for (const [index, one] of packages.entries()) {
    chunk.push(one);
    const next = packages[index + 1];
    if (next !== undefined && (next.name === one.name || !endsChunk(one.name))) continue;
    chunks.push(chunk);
    chunk = [];
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

/** How many chunks are being made while one is being written. */
const chunksAhead = 4;

/** The metadata of all packages in their order, chunk by chunk. */
export async function* metadataOf(
  store: Store,
  packages: readonly PackageToDescribe[],
): AsyncGenerator<MetadataChunk, void, undefined> {
  const underWay: Promise<MetadataChunk>[] = [];
  for (const chunk of cutChunks(packages)) {
    const made = chunkMetadata(store, chunk);
    // Its failure is met when its turn comes.
    made.catch(() => undefined);
    underWay.push(made);
    if (underWay.length > chunksAhead) yield* underWay.splice(0, 1);
  }
  yield* underWay;
}

/**
 * The metadata of one chunk: from the store when these packages stood together before, else from
 * the packages' headers. So a publishing reads the headers of the packages around what changed,
 * and no others.
 */
async function chunkMetadata(
  store: Store,
  packages: readonly PackageToDescribe[],
): Promise<MetadataChunk> {
  const key = sha256Json({
    action: "repodata-chunk",
    version: metadataVersion,
    packages: packages.map(({ sha256, location }) => [sha256, location]),
  });
  return (await knownChunk(store, key)) ?? makeChunk(store, key, packages);
}

async function knownChunk(store: Store, key: Sha256): Promise<MetadataChunk | undefined> {
  const result = await store.action(key);
  const [output] = result?.outputs ?? [];
  if (result === undefined || output === undefined) return undefined;
  const blob = await store.blob(output.sha256);
  if (blob === undefined) return undefined;
  const bytes = await decompress(await readFile(blob));
  let offset = 0;
  const part = (kind: (typeof kinds)[number]): Buffer => {
    const start = offset;
    offset += Number(result.facts[kind]);
    return bytes.subarray(start, offset);
  };
  return { primary: part("primary"), filelists: part("filelists"), other: part("other") };
}

async function makeChunk(
  store: Store,
  key: Sha256,
  packages: readonly PackageToDescribe[],
): Promise<MetadataChunk> {
  const described = await mapConcurrent(packages, 4, async (one) =>
    packageMetadata(await readHeaderOf(one.file), one),
  );
  const join = (kind: (typeof kinds)[number]): Buffer =>
    Buffer.from(described.map((one) => one[kind]).join(""));
  const chunk = { primary: join("primary"), filelists: join("filelists"), other: join("other") };
  const bytes = Buffer.concat(kinds.map((kind) => chunk[kind]));
  const packed = await compress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  const { sha256, size } = await store.put(packed);
  await store.putAction(key, {
    outputs: [{ name: "chunk.zst", sha256, size }],
    facts: Object.fromEntries(kinds.map((kind) => [kind, chunk[kind].length])),
  });
  return chunk;
}
