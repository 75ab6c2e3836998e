import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { CleanroomError, messageOf } from "@cleanroom/core";
import type { ByteChunks } from "./byte-source.ts";
import type { PayloadDescription } from "./package-header.ts";

const chunkBytes = 256 * 1024;

/**
 * The payload uncompressed, in chunks, never whole in memory.
 *
 * @throws CleanroomError `rpm-payload-invalid` for bytes the compressor did not write,
 *   `rpm-payload-compressor` for one that is not supported.
 */
export async function* decompressPayload(
  compressor: PayloadDescription["compressor"],
  chunks: ByteChunks,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compressor === "none") {
    yield* chunks;
    return;
  }
  const decompressor = decompressorOf(compressor);
  let sourceError: unknown;
  const source = Readable.from(
    remember(chunks, (error) => (sourceError = error)),
    {
      objectMode: false,
    },
  );
  // Errors come out of the iteration below as well; the callback only keeps them from being lost.
  pipeline(source, decompressor, () => undefined);
  try {
    for await (const chunk of decompressor) yield chunk as Uint8Array;
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    throw new CleanroomError(
      "rpm-payload-invalid",
      `the payload is not valid ${compressor} data: ${messageOf(error)}`,
      { cause: error, hint: "The .rpm is damaged; fetch or build it again." },
    );
  }
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

function decompressorOf(compressor: PayloadDescription["compressor"]): Transform {
  if (compressor === "gzip") return createGunzip({ chunkSize: chunkBytes });
  if (compressor === "zstd") return createZstdDecompress({ chunkSize: chunkBytes });
  throw new CleanroomError(
    "rpm-payload-compressor",
    `a payload compressed with ${compressor} cannot be read yet`,
  );
}
