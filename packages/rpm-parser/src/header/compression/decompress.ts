import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { CleanroomError, messageOf } from "@cleanroom/core";
import { type ByteChunks, ByteSource } from "../byte-source.ts";
import type { PayloadDescription } from "../package-header.ts";
import { decompressBzip2 } from "./bzip2.ts";
import { decompressLzma, decompressXz } from "./xz.ts";

const chunkBytes = 256 * 1024;

const decompressors: Readonly<
  Record<
    PayloadDescription["compressor"],
    (chunks: ByteChunks) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
  >
> = {
  none: (chunks) => chunks,
  gzip: (chunks) => throughNode(chunks, createGunzip({ chunkSize: chunkBytes })),
  zstd: (chunks) => throughNode(chunks, createZstdDecompress({ chunkSize: chunkBytes })),
  xz: (chunks) => decompressXz(new ByteSource(chunks, "the payload")),
  lzma: (chunks) => decompressLzma(new ByteSource(chunks, "the payload")),
  bzip2: (chunks) => decompressBzip2(new ByteSource(chunks, "the payload")),
};

/**
 * The payload uncompressed, in chunks, never whole in memory.
 *
 * @throws CleanroomError `rpm-payload-invalid` for bytes the compressor did not write,
 *   `rpm-truncated`.
 */
export async function* decompressPayload(
  compressor: PayloadDescription["compressor"],
  chunks: ByteChunks,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sourceError: unknown;
  const source = remember(chunks, (error) => (sourceError = error));
  try {
    yield* decompressors[compressor](source);
    // What is beyond the end of the data belongs to the payload's digest all the same.
    for await (const _rest of source);
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    if (error instanceof CleanroomError) throw error;
    throw new CleanroomError(
      "rpm-payload-invalid",
      `the payload is not valid ${compressor} data: ${messageOf(error)}`,
      { cause: error, hint: "The .rpm is damaged; fetch or build it again." },
    );
  }
}

async function* throughNode(
  chunks: ByteChunks,
  decompressor: ReturnType<typeof createGunzip>,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Errors come out of the iteration below as well; the callback only keeps them from being lost.
  pipeline(Readable.from(chunks, { objectMode: false }), decompressor, () => undefined);
  for await (const chunk of decompressor) yield chunk as Uint8Array;
}

/** Passes the chunks on, and keeps the source's own error apart from the decompressor's. */
async function* remember(
  chunks: ByteChunks,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks;
  } catch (error) {
    onError(error);
    throw error;
  }
}
