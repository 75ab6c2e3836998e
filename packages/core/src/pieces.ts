import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import type { Sha256 } from "./digest.ts";

const longestPiece = 1 << 20;

/**
 * A file's bytes, piece by piece in one buffer no larger than the file: a piece is good until the
 * next one is asked for.
 */
export async function* filePieces(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    // One byte at least, so that a file that grew from nothing is read too.
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(size, longestPiece)));
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Writes pieces to a new file, which is on the disk when this returns. */
export async function writePieces(
  file: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<{ sha256: Sha256; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  const handle = await open(file, "wx");
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      size += piece.length;
      await handle.writeFile(piece);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest("hex"), size };
}

/** Most of what files begin with fits into one piece of this size. */
const beginningBytes = 64 * 1024;

/**
 * Parses what a file begins with, where only parsing it tells how long that is: reads little more than
 * is needed. Synchronous: for a small piece of a file, handing each step to another thread costs several
 * times the step.
 *
 * @param isTooShort whether the parser threw this because there was too little
 * @param buffer used where it is large enough: what the parser keeps of it is good until it is used again
 * @throws what `parse` throws of the whole file
 */
export function parseBeginning<Result>(
  file: string,
  parse: (bytes: Uint8Array) => Result,
  isTooShort: (thrown: unknown) => boolean,
  buffer?: Buffer,
): Result {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    for (let wanted = beginningBytes; ; wanted *= 4) {
      const count = Math.min(wanted, size);
      const room =
        buffer !== undefined && count <= buffer.length ? buffer : Buffer.allocUnsafeSlow(count);
      try {
        return parse(readBeginning(descriptor, room, count));
      } catch (error) {
        if (!isTooShort(error) || wanted >= size) throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function readBeginning(descriptor: number, buffer: Buffer, count: number): Buffer {
  let have = 0;
  while (have < count) {
    const length = readSync(descriptor, buffer, have, count - have, have);
    if (length === 0) break;
    have += length;
  }
  return buffer.subarray(0, have);
}
