import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { isMissingFile, sha256, type Store } from "@cleanroom/core";
import { z } from "zod";
import { metadataKinds } from "./descriptions.ts";
import type { ChunkMetadata, MetadataText } from "./pack-chunk.ts";
import { sha256Schema } from "../published-package.ts";

/** Raised when what `packChunk` makes of the same packages becomes something else. */
export const metadataVersion = 3;

export const storedMetadataSchema = z.strictObject({
  /** Of the blob that holds a chunk's frames, one after the other. */
  sha256: sha256Schema,
  /** Of each frame, in the order of {@link metadataKinds}. */
  frameBytes: z.array(z.int()).length(metadataKinds.length),
  /** Of each text. */
  textBytes: z.array(z.int()).length(metadataKinds.length),
});

/** Where the metadata of a chunk lies in the store. */
export type StoredMetadata = z.infer<typeof storedMetadataSchema>;

export async function storeMetadata(store: Store, chunk: ChunkMetadata): Promise<StoredMetadata> {
  const texts = metadataKinds.map((kind) => chunk[kind]);
  const blob = await store.put(Buffer.concat(texts.map(({ frame }) => frame)));
  return {
    sha256: blob.sha256,
    frameBytes: texts.map(({ frame }) => frame.length),
    textBytes: texts.map(({ text }) => text.length),
  };
}

/** Undefined when the store does not have it any more, or only damaged. */
export async function openMetadata(
  store: Store,
  { sha256: digest, frameBytes, textBytes }: StoredMetadata,
): Promise<ChunkMetadata | undefined> {
  let bytes: Buffer;
  try {
    // Synchronous, as the decompression is: there are some hundreds of small pieces, and handing
    // each to another thread costs several times the work.
    bytes = readFileSync(store.blobPath(digest));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
  // Reading it as a blob sets it aside.
  if (sha256(bytes) !== digest) return void (await store.blob(digest));
  let end = 0;
  const [primary, filelists, other] = textBytes.map((sizeBytes, index) => {
    const start = end;
    end += frameBytes[index] ?? 0;
    return openText(bytes.subarray(start, end), sizeBytes);
  });
  if (primary === undefined || filelists === undefined || other === undefined) return undefined;
  return { primary, filelists, other };
}

function openText(frame: Uint8Array, sizeBytes: number): MetadataText {
  // In one step: the size is known, and a buffer that is not filled shows that there is no more. One
  // that is no smaller than those which small buffers share is not shared.
  const chunkSize = Math.max(Buffer.poolSize, sizeBytes + 1);
  const text = zstdDecompressSync(frame, { chunkSize });
  return { frame, text };
}
