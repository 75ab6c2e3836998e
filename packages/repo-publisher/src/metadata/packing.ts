import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import type { MetadataText } from "./pack-chunk.ts";
import { blocksOf, frameEnd, frameStart, separatorBlocks, separatorText } from "./zstd-frame.ts";

/** How the metadata files are packed: `gzip` for clients from before 2019 or so. */
export type MetadataCompression = "zstd" | "gzip";

/**
 * Packs one file, piece by piece. The result is one stream, never several joined: some readers stop
 * at the end of the first.
 */
export interface Packing {
  readonly suffix: string;
  /** What one more piece adds to the text, and what to the file. */
  add(piece: MetadataText): Promise<{
    readonly text: readonly Uint8Array[];
    readonly packed: readonly Uint8Array[];
  }>;
  /** What ends the file. */
  end(): Uint8Array;
}

export function packingOf(compression: MetadataCompression): Packing {
  return compression === "zstd" ? zstdPacking() : gzipPacking();
}

/** Pieces are compressed already: they are copied. */
function zstdPacking(): Packing {
  let isFirst = true;
  return {
    suffix: "zst",
    add({ text, frame }) {
      const blocks = blocksOf(frame);
      const added = isFirst
        ? { text: [text], packed: [frameStart, blocks] }
        : { text: [separatorText, text], packed: [separatorBlocks, blocks] };
      isFirst = false;
      return Promise.resolve(added);
    },
    end: () => frameEnd,
  };
}

const deflatePiece = promisify(deflateRaw);

/** RFC 1952: deflate, a file without name and time, made on Unix. */
const gzipHeader = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

/** The empty block that ends a deflate stream (RFC 1951, section 3.2.3): last, fixed codes, no data. */
const deflateEnd = Buffer.from([0x03, 0x00]);

/** Each piece is compressed apart and ends at a byte's boundary; together they are one stream. */
function gzipPacking(): Packing {
  let isFirst = true;
  let checksum = 0;
  let sizeBytes = 0;
  return {
    suffix: "gz",
    async add({ text }) {
      const piece = await deflatePiece(text, { finishFlush: constants.Z_FULL_FLUSH });
      checksum = crc32(text, checksum);
      sizeBytes += text.length;
      const packed = isFirst ? [gzipHeader, piece] : [piece];
      isFirst = false;
      return { text: [text], packed };
    },
    end() {
      const trailer = Buffer.alloc(8);
      trailer.writeUInt32LE(checksum, 0);
      trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
      return Buffer.concat([deflateEnd, trailer]);
    },
  };
}
