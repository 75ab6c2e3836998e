import { parseBeginning } from "@cleanroom/core";
import { isTruncated, readRpmHeaderBlobs } from "rpm-parser";

/** This thread's, for one header after the other. */
const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** The two headers of an .rpm. */
export type HeaderBlobs = ReturnType<typeof readRpmHeaderBlobs>;

/**
 * The headers of an .rpm file. What it returns is good until the next call.
 *
 * @throws CleanroomError as rpm-parser's `readRpmHeader`
 */
export function readHeaderOf(file: string): HeaderBlobs {
  return parseBeginning(file, readRpmHeaderBlobs, isTruncated, buffer);
}
