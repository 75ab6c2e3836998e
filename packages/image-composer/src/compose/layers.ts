import { readFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  runInSandbox,
  type Sha256,
  sha256,
  sha256Json,
  type Store,
} from "@cleanroom/core";
import { type Compression, packEpoch, packLevel } from "./compression.ts";
import type { ImageContext } from "../context.ts";
import { type KeptPiece, keepPiece, type Piece, type PieceEntry } from "./pieces.ts";
import { parentOf } from "./root-tree.ts";
import { tarEnd, type TarEntry, tarHeader, tarPadding } from "./tar-writer.ts";

const packer = new URL("pack_layers.py", import.meta.url);

/** What a layer is put together from. */
export interface LayerParts {
  /** Entries in front of the pieces: all directories that the layer needs, parents first. */
  readonly directories: readonly TarEntry[];
  readonly pieces: readonly Piece[];
  /** Entries after the pieces, with the content of the files among them. */
  readonly files: readonly { readonly entry: TarEntry; readonly bytes?: Uint8Array }[];
}

/** A finished layer blob in the store. */
export interface LayerBlob {
  /** Of the compressed blob. */
  readonly digest: Sha256;
  /** Of the uncompressed archive: OCI's diffID. */
  readonly diffId: Sha256;
  readonly compressedBytes: number;
}

/** Layers, and of the pieces in them which files name the folder in which packages are built. */
export interface PackedLayers {
  readonly blobs: readonly LayerBlob[];
  readonly buildPaths: ReadonlySet<string>;
}

/**
 * All directories on the way to some paths, parents first: a layer names each of them with its
 * own mode and owner, or tools that unpack it would make them up.
 */
export function directoriesFor(paths: Iterable<string>): readonly string[] {
  const found = new Set<string>();
  for (const path of paths) {
    for (let at = parentOf(path); at !== "" && !found.has(at); at = parentOf(at)) found.add(at);
  }
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
}

/**
 * Puts layers together: kept pieces are copied from the layers they lie in, the others are packed
 * from the root's files, each read once, checked against its package's digest, hashed and
 * compressed. By the pinned tools: Node's own zlib is tuned to the processor, and its output is not
 * the same on every machine. A layer of the same parts is put together once.
 *
 * @param root host folder of the installed root
 * @throws {CleanroomError} `package-file-changed`
 */
export async function assembleLayers(
  context: ImageContext,
  root: string,
  layers: readonly LayerParts[],
  compression: Compression,
): Promise<PackedLayers> {
  const { store, tools } = context;
  const heads = layers.map(({ directories }) => concat(directories.map(tarHeader)));
  const tails = layers.map(({ files }) => concat([...files.flatMap(fileBytes), tarEnd]));
  const keys = layers.map(({ pieces }, index) =>
    sha256Json([
      ...["layer", packEpoch, packLevel[compression], compression, tools.digest],
      ...[sha256(heads[index] ?? ""), sha256(tails[index] ?? "")],
      pieces.map(({ key }) => key),
    ]),
  );
  const blobs = await Promise.all(keys.map((key) => knownLayer(store, key)));
  const missing = blobs.flatMap((blob, index) => (blob === undefined ? [index] : []));
  const buildPaths = new Set(
    layers.flatMap(({ pieces }) => pieces.flatMap(({ kept }) => kept?.buildPaths ?? [])),
  );
  if (missing.length === 0) return { blobs: blobs as readonly LayerBlob[], buildPaths };
  context.logger.info(`packing ${missing.length} of ${layers.length} layers`);
  await store.withTemporaryFolder("layers", async (folder) => {
    const job = new PackJob(store);
    for (const index of missing) {
      const { pieces = [] } = layers[index] ?? {};
      await job.add(String(index), heads[index] ?? tarEnd, pieces, tails[index] ?? tarEnd);
    }
    const packed = await pack(context, root, folder, job, compression);
    for (const [at, index] of missing.entries()) {
      const found = packed[at];
      const { pieces = [] } = layers[index] ?? {};
      if (found === undefined) throw new TypeError(`layer ${index} was not packed`);
      const { sha256, size } = await store.takeFile(path.join(folder, "work", String(index)));
      if (sha256 !== found.sha256) throw new Error(`layer ${index} changed on the way`);
      const byKey = new Map(pieces.map((piece) => [piece.key, piece]));
      for (const { piece, size: sizeBytes, ...place } of found.pieces) {
        const made = byKey.get(piece);
        if (made === undefined) continue;
        for (const path of place.buildPaths) buildPaths.add(path);
        await keepPiece(context, made, { blob: sha256, sizeBytes, ...place }, size);
      }
      await store.putAction(keys[index] ?? "", {
        outputs: [{ name: "layer", sha256, size }],
        facts: { diffId: found.diffId },
      });
      blobs[index] = { digest: sha256, diffId: found.diffId, compressedBytes: size };
    }
  });
  return { blobs: blobs as readonly LayerBlob[], buildPaths };
}

async function knownLayer(store: Store, key: Sha256): Promise<LayerBlob | undefined> {
  const known = await store.action(key);
  const output = known?.outputs[0];
  const diffId = known?.facts["diffId"];
  if (output === undefined || typeof diffId !== "string") return undefined;
  return { digest: output.sha256, diffId, compressedBytes: output.size };
}

function fileBytes({ entry, bytes }: LayerParts["files"][number]): Uint8Array[] {
  return [tarHeader(entry), ...(bytes === undefined ? [] : [bytes, tarPadding(bytes.length)])];
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** Start and end among the heads; then, of a file: path, size, algorithm and digest. */
type PackedEntry = readonly [number, number, string?, number?, string?, string?];

interface PackedPart {
  readonly piece?: Sha256;
  readonly kept?: Omit<KeptPiece, "buildPaths" | "sizeBytes"> & { readonly size: number };
  readonly entries?: readonly (readonly (PackedEntry[number] | null)[])[];
}

/** What the packer is told: for each layer its parts; literal bytes are kept aside, in one file. */
class PackJob {
  readonly layers: { readonly output: string; readonly parts: readonly PackedPart[] }[] = [];
  readonly heads: Uint8Array[] = [];
  /** Layers that pieces are copied from: whether they are whole. */
  readonly #blobs = new Map<Sha256, Promise<boolean>>();
  readonly #store: Store;
  #headBytes = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async add(
    output: string,
    head: Uint8Array,
    pieces: readonly Piece[],
    tail: Uint8Array,
  ): Promise<void> {
    const parts: PackedPart[] = head.length === 0 ? [] : [{ entries: [this.#literal(head)] }];
    for (const piece of pieces) parts.push(await this.#piece(piece));
    parts.push({ entries: [this.#literal(tail)] });
    this.layers.push({ output, parts });
  }

  async #piece({ key, entries, kept }: Piece): Promise<PackedPart> {
    // Reading verifies: what is damaged is made anew.
    if (kept !== undefined && (await this.#isWhole(kept.blob))) {
      const { blob, offset, sizeBytes, sha256 } = kept;
      return { kept: { blob, offset, size: sizeBytes, sha256 } };
    }
    return { piece: key, entries: entries.map((one) => this.#entry(one)) };
  }

  async #isWhole(blob: Sha256): Promise<boolean> {
    const known =
      this.#blobs.get(blob) ?? this.#store.blob(blob).then((file) => file !== undefined);
    this.#blobs.set(blob, known);
    return known;
  }

  /** The layers that pieces are copied from. */
  get sources(): readonly Sha256[] {
    return this.layers.flatMap(({ parts }) => parts.flatMap(({ kept }) => kept?.blob ?? []));
  }

  #literal(bytes: Uint8Array): NonNullable<PackedPart["entries"]>[number] {
    const start = this.#headBytes;
    this.heads.push(bytes);
    this.#headBytes += bytes.length;
    return [start, this.#headBytes, null, null, null, null];
  }

  #entry({ entry, content }: PieceEntry): NonNullable<PackedPart["entries"]>[number] {
    const [start = 0, end = 0] = this.#literal(tarHeader(entry)) as readonly number[];
    if (content === undefined) return [start, end, null, null, null, null];
    return [start, end, content.path, content.sizeBytes, content.algorithm, content.digest];
  }
}

type PackerAnswer =
  | {
      readonly layers: readonly {
        readonly sha256: Sha256;
        readonly diffId: Sha256;
        readonly pieces: readonly {
          readonly piece: Sha256;
          readonly offset: number;
          readonly size: number;
          readonly sha256: Sha256;
          readonly buildPaths: readonly string[];
        }[];
      }[];
    }
  | { readonly changed: string };

async function pack(
  { store, tools }: ImageContext,
  root: string,
  folder: string,
  job: PackJob,
  compression: Compression,
): Promise<Extract<PackerAnswer, { layers: unknown }>["layers"]> {
  const work = path.join(folder, "work");
  const blobs = path.join(folder, "blobs");
  await mkdir(work);
  await mkdir(blobs);
  for (const blob of new Set(job.sources)) await store.materialize(blob, path.join(blobs, blob));
  await writeFile(path.join(work, "heads"), concat(job.heads));
  const { stdout } = await runInSandbox(
    {
      root: tools.root,
      mounts: [
        { source: work, target: "/work", writable: true },
        { source: root, target: "/root" },
        { source: blobs, target: "/blobs" },
      ],
    },
    ["python3", "-c", await readFile(packer, "utf8")],
    {
      step: "pack layers",
      input: JSON.stringify({
        ...{ compression, level: packLevel[compression], layers: job.layers },
      }),
    },
  );
  const answer = JSON.parse(stdout) as PackerAnswer;
  if ("layers" in answer) return answer.layers;
  throw new CleanroomError(
    "package-file-changed",
    `/${answer.changed} is not as its package has it, though its size and time are`,
    {
      place: { step: "pack layers" },
      hint: "a scriptlet changed it and hid that: find out which, and leave the package out",
    },
  );
}
