import { type Sha256, sha256, type Store } from "@cleanroom/core";
import type { PackageChunk } from "../package-chunk.ts";
import type { PublishedPackage } from "../published-package.ts";
import { metadataKinds } from "./descriptions.ts";
import type { ChunkMetadata, PackageToDescribe } from "./pack-chunk.ts";
import type { PackageMetadata } from "./package-metadata.ts";
import type { PackageReader } from "./package-reader.ts";
import {
  metadataVersion,
  openMetadata,
  storedMetadataSchema,
  storeMetadata,
} from "./stored-metadata.ts";

/** A chunk whose metadata is in the store. */
export interface DescribedChunk {
  readonly chunk: PackageChunk;
  readonly metadata: ChunkMetadata;
}

/** How many chunks are being made while one is being written. */
const chunksAhead = 8;

/**
 * The metadata of all packages in their order, chunk by chunk. A chunk that was in the generation
 * before brings its metadata; where one of its packages has changed, the metadata of the others comes
 * from the chunk in which they stood before. So the only packages that are read are those that are new.
 *
 * @param before the chunks of the generation before that are none of `chunks`
 */
export async function* metadataOf(
  store: Store,
  reader: Pick<PackageReader, "pack">,
  chunks: readonly PackageChunk[],
  before: readonly PackageChunk[],
): AsyncGenerator<DescribedChunk, void, undefined> {
  const earlier = new EarlierMetadata(store, before);
  const describe = (chunk: PackageChunk): Promise<DescribedChunk> =>
    describeChunk(store, reader, chunk, earlier);
  const underWay: (() => Promise<DescribedChunk>)[] = [];
  for (const chunk of chunks) {
    if (chunk.metadata === undefined) {
      const described = describe(chunk);
      // Its failure is met when its turn comes.
      described.catch(() => undefined);
      underWay.push(() => described);
    } else {
      // Not before its turn: what was just unpacked is still in the processor's cache.
      underWay.push(() => describe(chunk));
    }
    if (underWay.length > chunksAhead) yield* nextOf(underWay);
  }
  while (underWay.length > 0) yield* nextOf(underWay);
}

async function* nextOf<Value>(
  underWay: (() => Promise<Value>)[],
): AsyncGenerator<Value, void, undefined> {
  const [next] = underWay.splice(0, 1);
  if (next !== undefined) yield await next();
}

async function describeChunk(
  store: Store,
  reader: Pick<PackageReader, "pack">,
  chunk: PackageChunk,
  earlier: EarlierMetadata,
): Promise<DescribedChunk> {
  const known = chunk.metadata && (await openMetadata(store, chunk.metadata));
  if (known !== undefined) return { chunk, metadata: known };
  const packages = chunk.packages();
  const key = chunkKey(packages);
  const stored = storedMetadataSchema.safeParse((await store.action(key))?.facts).data;
  if (stored !== undefined) {
    const metadata = await openMetadata(store, stored);
    if (metadata !== undefined) return { chunk: chunk.withMetadata(stored), metadata };
  }
  const metadata = await reader.pack(await membersOf(store, packages, earlier));
  const made = await storeMetadata(store, metadata);
  const size = made.frameBytes.reduce((sum, one) => sum + one, 0);
  const outputs = [{ name: "chunk.zst", sha256: made.sha256, size }];
  await store.putAction(key, { outputs, facts: { ...made } });
  return { chunk: chunk.withMetadata(made), metadata };
}

function chunkKey(packages: readonly PublishedPackage[]): Sha256 {
  const lines = packages.map(({ sha256: digest, location }) => `${digest} ${location}\n`);
  return sha256(`repodata-chunk ${metadataVersion}\n${lines.join("")}`);
}

function membersOf(
  store: Store,
  packages: readonly PublishedPackage[],
  earlier: EarlierMetadata,
): Promise<PackageToDescribe[]> {
  return Promise.all(
    packages.map(async (one) => {
      const { sha256: digest, sizeBytes, location } = one;
      const metadata = await earlier.of(one);
      return { file: store.blobPath(digest), sha256: digest, sizeBytes, location, metadata };
    }),
  );
}

/** The metadata of packages, as the generation before has it. */
class EarlierMetadata {
  readonly #store: Store;
  readonly #chunks: readonly PackageChunk[];
  /** By digest and location: the chunk, and which of its packages it is. */
  #places: ReadonlyMap<string, readonly [PackageChunk, number]> | undefined;
  readonly #texts = new Map<PackageChunk, Promise<Readonly<Record<string, readonly string[]>>>>();

  constructor(store: Store, chunks: readonly PackageChunk[]) {
    this.#store = store;
    this.#chunks = chunks;
  }

  async of(one: PublishedPackage): Promise<PackageMetadata | undefined> {
    this.#places ??= new Map(this.#chunks.flatMap(placesIn));
    const place = this.#places.get(placeKey(one));
    if (place === undefined) return undefined;
    const [chunk, index] = place;
    const texts = this.#texts.get(chunk) ?? this.#read(chunk);
    this.#texts.set(chunk, texts);
    const { primary, filelists, other } = await texts;
    const [first, second, third] = [primary, filelists, other].map((all) => all?.[index]);
    if (first === undefined || second === undefined || third === undefined) return undefined;
    return { primary: first, filelists: second, other: third };
  }

  async #read(chunk: PackageChunk): Promise<Readonly<Record<string, readonly string[]>>> {
    const known = chunk.metadata && (await openMetadata(this.#store, chunk.metadata));
    if (known === undefined) return {};
    return Object.fromEntries(
      metadataKinds.map((kind) => [
        kind,
        new TextDecoder().decode(known[kind].text).split(afterPackage),
      ]),
    );
  }
}

function placesIn(chunk: PackageChunk): [string, readonly [PackageChunk, number]][] {
  return chunk.packages().map((one, index) => [placeKey(one), [chunk, index]]);
}

function placeKey({ sha256: digest, location }: PublishedPackage): string {
  return `${digest} ${location}`;
}

/** Where one package's element ends; what packages say has its angle brackets escaped. */
const afterPackage = /(?<=<\/package>\n)/;
