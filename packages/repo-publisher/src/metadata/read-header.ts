import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CleanroomError } from "@cleanroom/core";
import { readRpmHeaderBlobs } from "rpm-parser";

/** Most headers fit into one piece of this size. */
const pieceSizeBytes = 64 * 1024;

/** This thread's, for one header after the other. */
const piece = Buffer.allocUnsafeSlow(pieceSizeBytes);

/** The two headers of an .rpm. */
export type HeaderBlobs = ReturnType<typeof readRpmHeaderBlobs>;

/**
 * The headers of an .rpm file. Reads little more than it needs, and synchronously: for the small
 * files of a repository, handing each step to another thread costs several times the step. What it
 * returns is good until the next call.
 *
 * @throws CleanroomError as rpm-parser's `readRpmHeader`
 */
export function readHeaderOf(file: string): HeaderBlobs {
  const descriptor = openSync(file, "r");
  try {
    const { size } = fstatSync(descriptor);
    for (let wanted = pieceSizeBytes; ; wanted *= 4) {
      try {
        return readRpmHeaderBlobs(beginning(descriptor, Math.min(wanted, size)));
      } catch (error) {
        const isShort = error instanceof CleanroomError && error.code === "rpm-truncated";
        if (!isShort || wanted >= size) throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function beginning(descriptor: number, sizeBytes: number): Buffer {
  const bytes = sizeBytes <= piece.length ? piece : Buffer.allocUnsafeSlow(sizeBytes);
  let have = 0;
  while (have < sizeBytes) {
    const length = readSync(descriptor, bytes, have, sizeBytes - have, have);
    if (length === 0) break;
    have += length;
  }
  return bytes.subarray(0, have);
}
