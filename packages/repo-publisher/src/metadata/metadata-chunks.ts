import { readFile } from "node:fs/promises";
import { zstdDecompress } from "node:zlib";
import { type Sha256, sha256, type Store } from "@cleanroom/core";
import {
  metadataKinds,
  type PackedChunk,
  type PackedText,
  type PackageToDescribe,
} from "./pack-chunk.ts";
import type { PackageFile, PackageMetadata } from "./package-metadata.ts";
import type { PackageReader } from "./package-reader.ts";

/** A piece of a metadata file, as text and compressed. */
export interface MetadataText {
  /** UTF-8. */
  readonly text: Buffer;
  readonly frame: Uint8Array;
}

/** The metadata of some neighbouring packages. */
export type MetadataChunk = Readonly<Record<keyof PackageMetadata, MetadataText>>;

/** Raised when what `packChunk` makes of the same packages becomes something else. */
const metadataVersion = 2;

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

/** How many chunks are being made while one is being written. */
const chunksAhead = 8;

/**
 * The metadata of all packages in their order, chunk by chunk. A chunk is kept in the store by the
 * packages in it. Where one of its packages has changed, the metadata of the others comes from the
 * chunk in which they stood before; so the only packages that are read are those that are new.
 *
 * @param before the packages of the generation before, in the order of its metadata
 */
export async function* metadataOf(
  store: Store,
  reader: Pick<PackageReader, "pack">,
  packages: readonly PackageInChunk[],
  before: readonly PackageInChunk[],
): AsyncGenerator<MetadataChunk, void, undefined> {
  const earlier = new EarlierChunks(store, before);
  const underWay: Promise<MetadataChunk>[] = [];
  for (const chunk of cutChunks(packages)) {
    const key = chunkKey(chunk);
    const made = knownChunk(store, key).then(
      async (known) => known ?? open(await makeChunk(store, reader, earlier, key, chunk)),
    );
    // Its failure is met when its turn comes.
    made.catch(() => undefined);
    underWay.push(made);
    if (underWay.length > chunksAhead) yield* underWay.splice(0, 1);
  }
  yield* underWay;
}

type PackageInChunk = PackageFile & { readonly name: string };

function chunkKey(packages: readonly PackageInChunk[]): Sha256 {
  const lines = packages.map(({ sha256: digest, location }) => `${digest} ${location}\n`);
  return sha256(`repodata-chunk ${metadataVersion}\n${lines.join("")}`);
}

/** A chunk from the store: the frames one after the other, and their sizes in the record. */
async function knownChunk(store: Store, key: Sha256): Promise<MetadataChunk | undefined> {
  const result = await store.action(key);
  const [output] = result?.outputs ?? [];
  if (result === undefined || output === undefined) return undefined;
  const bytes = await readFile(store.blobPath(output.sha256));
  // Reading it as a blob sets it aside; it is made anew.
  if (sha256(bytes) !== output.sha256) return void (await store.blob(output.sha256));
  let offset = 0;
  const part = (kind: keyof PackageMetadata): PackedText => {
    const start = offset;
    offset += Number(result.facts[`${kind}Frame`]);
    return { frame: bytes.subarray(start, offset), sizeBytes: Number(result.facts[kind]) };
  };
  return open({ primary: part("primary"), filelists: part("filelists"), other: part("other") });
}

async function makeChunk(
  store: Store,
  reader: Pick<PackageReader, "pack">,
  earlier: EarlierChunks,
  key: Sha256,
  packages: readonly PackageInChunk[],
): Promise<PackedChunk> {
  const members = await Promise.all(
    packages.map(async (one): Promise<PackageToDescribe> => {
      const { sha256: digest, sizeBytes, location } = one;
      const metadata = await earlier.metadataOf(one);
      return { file: store.blobPath(digest), sha256: digest, sizeBytes, location, metadata };
    }),
  );
  const chunk = await reader.pack(members);
  const { sha256: digest, size } = await store.put(
    Buffer.concat(metadataKinds.map((kind) => chunk[kind].frame)),
  );
  await store.putAction(key, {
    outputs: [{ name: "chunk.zst", sha256: digest, size }],
    facts: Object.fromEntries(
      metadataKinds.flatMap((kind) => [
        [kind, chunk[kind].sizeBytes],
        [`${kind}Frame`, chunk[kind].frame.length],
      ]),
    ),
  });
  return chunk;
}

async function open({ primary, filelists, other }: PackedChunk): Promise<MetadataChunk> {
  const [one, two, three] = await Promise.all([primary, filelists, other].map(openText));
  if (one === undefined || two === undefined || three === undefined) throw new TypeError("a chunk");
  return { primary: one, filelists: two, other: three };
}

function openText({ frame, sizeBytes }: PackedText): Promise<MetadataText> {
  return new Promise((resolve, reject) => {
    // In one step: the size is known, and a buffer that is not filled shows that there is no more.
    const options = { chunkSize: Math.max(64, sizeBytes + 1) };
    zstdDecompress(frame, options, (error, text) => {
      if (error === null) resolve({ frame, text });
      else reject(error);
    });
  });
}

/** Finds the metadata of packages in the chunks of the generation before. */
class EarlierChunks {
  readonly #store: Store;
  readonly #packages: readonly PackageInChunk[];
  readonly #texts = new Map<readonly PackageInChunk[], Promise<readonly PackageMetadata[]>>();
  #chunks: readonly (readonly PackageInChunk[])[] | undefined;

  /** @param packages sorted by name */
  constructor(store: Store, packages: readonly PackageInChunk[]) {
    this.#store = store;
    this.#packages = packages;
  }

  async metadataOf(one: PackageInChunk): Promise<PackageMetadata | undefined> {
    this.#chunks ??= cutChunks(this.#packages);
    const chunk = chunkWith(this.#chunks, one.name);
    const index = chunk.findIndex(
      ({ sha256: digest, location }) => digest === one.sha256 && location === one.location,
    );
    if (index === -1) return undefined;
    const texts = this.#texts.get(chunk) ?? this.#read(chunk);
    this.#texts.set(chunk, texts);
    return (await texts)[index];
  }

  async #read(chunk: readonly PackageInChunk[]): Promise<readonly PackageMetadata[]> {
    const known = await knownChunk(this.#store, chunkKey(chunk));
    if (known === undefined) return [];
    const [primary = [], filelists = [], other = []] = metadataKinds.map((kind) =>
      known[kind].text.toString().split(afterPackage),
    );
    return chunk.map((_, index) => ({
      primary: primary[index] ?? "",
      filelists: filelists[index] ?? "",
      other: other[index] ?? "",
    }));
  }
}

/** Where one package's element ends; what packages say has its angle brackets escaped. */
const afterPackage = /(?<=<\/package>\n)/;

/** The chunk in which a name stands if it does; packages of one name stand in one chunk. */
function chunkWith(
  chunks: readonly (readonly PackageInChunk[])[],
  name: string,
): readonly PackageInChunk[] {
  let [low, high] = [0, chunks.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle]?.at(-1)?.name ?? "") < name) low = middle + 1;
    else high = middle;
  }
  return chunks[low] ?? [];
}
