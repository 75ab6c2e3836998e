import { promisify } from "node:util";
import { constants, zstdCompress, zstdCompressSync, type ZstdOptions } from "node:zlib";

/**
 * Zstandard frames that are put together from pieces which were compressed apart (RFC 8878, section
 * 3.1.1): a piece that is known already costs a copy. The result is one frame; several frames one
 * after the other would be valid too, but some readers stop at the end of the first.
 */

/** As createrepo_c has it (`src/compression_wrapper.c`). */
const level = 10;

/** How far back a piece refers at most; the frame promises readers 8 MiB, which each must have. */
const pieceWindowLog = 22;

/** The size is told, so that tables no larger than it needs are filled and thrown away. */
function optionsFor(bytes: Uint8Array): ZstdOptions {
  return {
    pledgedSrcSize: bytes.length,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: pieceWindowLog,
    },
  };
}

const compress = promisify(zstdCompress);

/** Compresses a piece of a frame. */
export function compressPiece(bytes: Uint8Array): Promise<Buffer> {
  return compress(bytes, optionsFor(bytes));
}

/** {@link compressPiece} for a thread that has nothing else to do. */
export function compressPieceSync(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, optionsFor(bytes));
}

/** Magic number; a frame header without size, checksum or dictionary; a window of 8 MiB. */
export const frameStart = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (23 - 10) << 3]);

/** An empty raw block that is the last one. */
export const frameEnd = Buffer.from([0x01, 0x00, 0x00]);

const blockType = { runLength: 1, compressed: 2 } as const;
const blockHeaderBytes = 3;

function blockHeader(type: number, sizeBytes: number): Buffer {
  const header = Buffer.alloc(blockHeaderBytes);
  header.writeUIntLE((sizeBytes << 3) | (type << 1), 0, blockHeaderBytes);
  return header;
}

/**
 * The blocks of a compressed piece, none of them marked as the last.
 *
 * @param frame what {@link compressPiece} made
 */
export function blocksOf(frame: Uint8Array): Buffer {
  const blocks = Buffer.from(frame.subarray(frameHeaderBytes(frame)));
  for (let at = 0; ;) {
    const header = blocks.readUIntLE(at, blockHeaderBytes);
    const type = (header >> 1) & 3;
    if ((header & 1) === 1) {
      blocks.writeUIntLE(header & ~1, at, blockHeaderBytes);
      return blocks;
    }
    at += blockHeaderBytes + (type === blockType.runLength ? 1 : header >> 3);
  }
}

/** RFC 8878, section 3.1.1.1. */
function frameHeaderBytes(frame: Uint8Array): number {
  const descriptor = frame[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x07) !== 0) throw new TypeError("a frame with a checksum or a dictionary");
  const sizeField = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + sizeField;
}

/**
 * Each piece counts on the three offsets that a frame begins with (1, 4 and 8, section 3.1.2.5), but
 * inside a frame those of the blocks before stay in force. These two blocks bring them back: they
 * copy line feeds from 8, 4 and 1 bytes before, which is {@link separatorText} once decompressed.
 */
export const separatorBlocks = Buffer.concat([
  compressedBlock([
    // Eight raw literals, and what they are.
    (8 << 3) | 0,
    ...Array.from({ length: 8 }, () => 0x0a),
    // One sequence. Each of its three codes has a table of one entry, which takes no bits to read:
    // eight literals, an offset of 8 to 15 less 3, and a match of 3 bytes.
    1,
    0x54,
    8,
    3,
    0,
    // The bit that ends the stream, read from its end, and the offset: 8 + 0b011 - 3 = 8.
    0b1011,
  ]),
  // No literals; two sequences, with offsets of 4 + 0b11 - 3 = 4 and 4 + 0b00 - 3 = 1.
  compressedBlock([0, 2, 0x54, 0, 2, 0, 0b1_11_00]),
]);

export const separatorText = Buffer.from("\n".repeat(8 + 3 + 3 + 3));

function compressedBlock(content: readonly number[]): Buffer {
  return Buffer.concat([blockHeader(blockType.compressed, content.length), Buffer.from(content)]);
}
