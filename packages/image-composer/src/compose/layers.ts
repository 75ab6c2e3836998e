import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { CleanroomError, type Sha256, sha256, sha256Json, type Store } from "@cleanroom/core";
import { compressEpoch, compressFolder, type Compression, type PackedBlob } from "./compress.ts";
import type { ImageContext } from "../context.ts";
import { parentOf } from "./root-tree.ts";
import { tarEnd, type TarEntry, tarHeader, tarPadding } from "./tar-writer.ts";

/** What a layer is put together from. */
export interface LayerParts {
  /** Entries in front of the pieces: all directories that the layer needs, parents first. */
  readonly directories: readonly TarEntry[];
  readonly pieces: readonly PackedBlob[];
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

/** Puts layers together from pieces; a layer of the same parts is put together once. */
export async function assembleLayers(
  context: ImageContext,
  layers: readonly LayerParts[],
  compression: Compression,
): Promise<readonly LayerBlob[]> {
  const { store, tools } = context;
  const heads = layers.map(({ directories }) => concat(directories.map(tarHeader)));
  const tails = layers.map(({ files }) => concat([...files.flatMap(fileBytes), tarEnd]));
  const keys = layers.map(({ pieces }, index) =>
    sha256Json([
      ...["layer", compressEpoch, compression, tools.digest],
      ...[sha256(heads[index] ?? ""), sha256(tails[index] ?? "")],
      pieces.map((piece) => piece.sha256),
    ]),
  );
  const blobs: (LayerBlob | undefined)[] = [];
  for (const key of keys) blobs.push(await knownLayer(store, key));
  const missing = blobs.flatMap((blob, index) => (blob === undefined ? [index] : []));
  await store.withTemporaryFolder("layers", async (folder) => {
    if (missing.length === 0) return;
    await mkdir(path.join(folder, "plain"));
    for (const index of missing) {
      await writeFile(path.join(folder, "plain", `${index}-head`), heads[index] ?? "");
      await writeFile(path.join(folder, "plain", `${index}-tail`), tails[index] ?? "");
    }
    const packed = await compressFolder(context, folder, compression);
    const part = (name: string): PackedBlob => packed.get(name) as PackedBlob;
    for (const index of missing) {
      const chunks = [
        ...(heads[index]?.length === 0 ? [] : [part(`${index}-head`)]),
        ...(layers[index]?.pieces ?? []),
        part(`${index}-tail`),
      ];
      const blob = await concatenate(
        store,
        chunks,
        path.join(folder, `layer-${index}`),
        compression,
      );
      await store.putAction(keys[index] ?? "", {
        outputs: [{ name: "layer", sha256: blob.digest, size: blob.compressedBytes }],
        facts: { diffId: blob.diffId },
      });
      blobs[index] = blob;
    }
  });
  return blobs as readonly LayerBlob[];
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

/** Compressed members one after the other are one stream (RFC 1952, 2.2; RFC 8878, 3.1). */
async function concatenate(
  store: Store,
  chunks: readonly PackedBlob[],
  target: string,
  compression: Compression,
): Promise<LayerBlob> {
  const plain = createHash("sha256");
  const output = await open(target, "wx");
  try {
    for (const { sha256 } of chunks) {
      const file = await store.blob(sha256);
      if (file === undefined) {
        throw new CleanroomError("blob-missing", `the store lacks the piece ${sha256}`, {
          hint: "run the command again: it will be made anew",
        });
      }
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
        await output.writeFile(chunk as Uint8Array);
      }
      const unpack = compression === "gzip" ? createGunzip() : createZstdDecompress();
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }).pipe(unpack)) {
        plain.update(chunk as Uint8Array);
      }
    }
  } finally {
    await output.close();
  }
  const { sha256, size } = await store.putFile(target);
  return { digest: sha256, diffId: plain.digest("hex"), compressedBytes: size };
}
