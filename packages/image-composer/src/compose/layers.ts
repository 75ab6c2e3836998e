import path from "node:path";
import { mapConcurrent, type Sha256, sha256, sha256Json, type Store } from "@cleanroom/core";
import { type Compression, packKey } from "./compression.ts";
import type { ImageContext } from "../context.ts";
import { PackJob } from "./pack-job.ts";
import { keepPiece, type Piece } from "./pieces.ts";
import { parentOf } from "./root-tree.ts";
import { tarEnd, type TarEntry, tarHeader, tarPadding } from "./tar-writer.ts";

/** What a layer is put together from. */
export interface LayerParts {
  /** In front of the pieces: all directories that the layer needs, parents first. */
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

/** Layers, and what is known of them. */
export interface PackedLayers {
  readonly blobs: readonly LayerBlob[];
  /** Digests of those that were not there before: their bytes have just been looked at. */
  readonly made: ReadonlySet<Sha256>;
  /** Files of their pieces that name the folder in which packages are built. */
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
 * from packages' files, each read once, checked against its package's digest, hashed and
 * compressed. By the pinned tools: Node's own zlib is tuned to the processor, and its output is not
 * the same on every machine. A layer of the same parts is put together once.
 *
 * @param folders host folders that hold the files
 * @throws {CleanroomError} `package-file-changed`, `packages-damaged`
 */
export async function assembleLayers(
  context: ImageContext,
  folders: readonly string[],
  layers: readonly LayerParts[],
  compression: Compression,
): Promise<PackedLayers> {
  const { store } = context;
  const tails = layers.map(({ files }) => concat([...files.flatMap(fileBytes), tarEnd]));
  const keys = layers.map(({ directories, pieces }, index) =>
    sha256Json([
      ...["layer", packKey(context, compression)],
      ...[sha256(directories.map(directoryText).join("")), sha256(tails[index] ?? "")],
      pieces.map(({ key }) => key),
    ]),
  );
  const blobs = await Promise.all(keys.map((key) => knownLayer(store, key)));
  const missing = blobs.flatMap((blob, index) => (blob === undefined ? [index] : []));
  const buildPaths = new Set(
    layers.flatMap(({ pieces }) => pieces.flatMap(({ kept }) => kept?.buildPaths ?? [])),
  );
  const made = new Set<Sha256>();
  if (missing.length === 0) return { blobs: blobs as readonly LayerBlob[], made, buildPaths };
  context.logger.info(`packing ${missing.length} of ${layers.length} layers`);
  await store.withTemporaryFolder("pack", async (folder) => {
    const job = new PackJob(store, folders);
    for (const index of missing) {
      const { directories = [], pieces = [] } = layers[index] ?? {};
      const head = concat(directories.map(tarHeader));
      await job.add(String(index), head, pieces, tails[index] ?? tarEnd);
    }
    const packed = await job.run(context, folder, compression);
    // Each waits for the disk several times.
    await mapConcurrent(missing, missing.length, async (index, at) => {
      const found = packed[at];
      const { pieces = [] } = layers[index] ?? {};
      if (found === undefined) throw new TypeError(`layer ${index} was not packed`);
      const file = path.join(folder, String(index));
      const { sha256, size } = await store.takeFile(file, found.sha256);
      const byKey = new Map(pieces.map((piece) => [piece.key, piece]));
      await mapConcurrent(found.pieces, 4, async ({ piece, size: sizeBytes, ...place }) => {
        const made = byKey.get(piece);
        if (made === undefined) return;
        for (const path of place.buildPaths) buildPaths.add(path);
        await keepPiece(context, made, { blob: sha256, sizeBytes, ...place }, size);
      });
      await store.putAction(keys[index] ?? "", {
        outputs: [{ name: "layer", sha256, size }],
        facts: { diffId: found.diffId },
      });
      made.add(sha256);
      blobs[index] = { digest: sha256, diffId: found.diffId, compressedBytes: size };
    });
  });
  return { blobs: blobs as readonly LayerBlob[], made, buildPaths };
}

/** All of a directory's tar header, which takes longer to make. */
function directoryText({ path, mode, uid, gid, mtimeSeconds }: TarEntry): string {
  return `${path}\0${mode} ${uid} ${gid} ${mtimeSeconds}\0`;
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
