import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createZstdDecompress } from "node:zlib";
import { CleanroomError } from "@cleanroom/core";

const magic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

/**
 * What a file of one or more zstd frames unpacks to. Node.js reads the first frame alone and takes
 * the next one for damage, so each frame is unpacked by itself.
 *
 * @throws {CleanroomError} `zstd-damaged`; the frames' own damage as Node.js reports it
 */
export async function* unpackZstd(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    for (let start = 0; start < size;) {
      const { end, skippable } = await frameAt(handle, start, file);
      if (end > size) throw damaged(file, start);
      if (!skippable) {
        const source = createReadStream(file, { start, end: end - 1, highWaterMark: 1 << 20 });
        const unpack = createZstdDecompress();
        source.on("error", (error) => unpack.destroy(error));
        yield* source.pipe(unpack) as AsyncIterable<Uint8Array>;
      }
      start = end;
    }
  } finally {
    await handle.close();
  }
}

/**
 * Where the frame that begins at an offset ends, by its header and those of its blocks (RFC 8878,
 * 3.1.1 and 3.1.2).
 */
async function frameAt(
  handle: FileHandle,
  start: number,
  file: string,
): Promise<{ readonly end: number; readonly skippable: boolean }> {
  const header = await bytesAt(handle, start, 8);
  if (header === undefined) throw damaged(file, start);
  const kind = header.readUInt32LE(0);
  if ((kind & 0xfffffff0) >>> 0 === skippableMagic) {
    return { end: start + 8 + header.readUInt32LE(4), skippable: true };
  }
  if (kind !== magic) throw damaged(file, start);
  const descriptor = header.readUInt8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = start + 5 + (singleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
  for (;;) {
    const block = (await bytesAt(handle, at, 3))?.readUIntLE(0, 3);
    if (block === undefined) throw damaged(file, start);
    const runLength = ((block >> 1) & 3) === 1;
    at += 3 + (runLength ? 1 : block >> 3);
    if ((block & 1) !== 0) break;
  }
  const checksumBytes = (descriptor & 4) === 0 ? 0 : 4;
  return { end: at + checksumBytes, skippable: false };
}

async function bytesAt(
  handle: FileHandle,
  position: number,
  length: number,
): Promise<Buffer | undefined> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
  return bytesRead === length ? buffer : undefined;
}

function damaged(file: string, offset: number): CleanroomError {
  return new CleanroomError("zstd-damaged", `no whole zstd frame at byte ${offset}`, {
    place: { file },
  });
}
