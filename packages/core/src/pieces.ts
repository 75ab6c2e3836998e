import { createHash } from "node:crypto";
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
