import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { readRpmHeader, type RpmHeader } from "rpm-parser";

/** Most headers fit into one piece of this size. */
const pieceSizeBytes = 64 * 1024;

/**
 * The header of an .rpm file. Reads no more than it needs, and synchronously: for the small files
 * of a repository, handing each step to another thread costs several times the step.
 */
export async function readHeaderOf(file: string): Promise<RpmHeader> {
  return readRpmHeader(pieces(file));
}

// Asynchronous because that is what the reader takes.
// oxlint-disable-next-line require-await
async function* pieces(file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    for (let offset = 0; offset < size;) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(pieceSizeBytes, size - offset));
      const length = readSync(descriptor, buffer, 0, buffer.length, offset);
      if (length === 0) return;
      offset += length;
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
