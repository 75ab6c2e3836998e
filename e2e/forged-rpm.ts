import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { readRpmHeader } from "rpm-parser";

/** Bytes of a package's main header, and others as many that take their place. */
export type Forgery = readonly (readonly [from: Buffer, to: Buffer])[];

export function forgedText(from: string, to: string): readonly [Buffer, Buffer] {
  // Strings of a header end with a zero byte: so only whole ones are found.
  return [Buffer.from(`${from}\0`), Buffer.from(`${to}\0`)];
}

/**
 * Changes an .rpm's main header and makes its digests fit, as whoever forges one would: what no
 * rpmbuild writes, and every check of digests lets pass.
 */
export async function forgeRpm(file: string, forgery: Forgery): Promise<void> {
  const { headerRange } = await readRpmHeader(createReadStream(file));
  const bytes = await readFile(file);
  const main = bytes.subarray(headerRange.start, headerRange.end);
  const digests = (): Buffer[] => [
    Buffer.from(createHash("sha256").update(main).digest("hex")),
    Buffer.from(createHash("sha1").update(main).digest("hex")),
    createHash("md5").update(bytes.subarray(headerRange.start)).digest(),
  ];
  const before = digests();
  for (const [from, to] of forgery) {
    if (from.length !== to.length) throw new Error("a forgery keeps the length");
    const at = main.indexOf(from);
    if (at < 0) throw new Error(`${file} does not hold ${JSON.stringify(from.toString())}`);
    to.copy(main, at);
  }
  for (const [index, digest] of digests().entries()) {
    const at = bytes.subarray(0, headerRange.start).indexOf(before[index] ?? "");
    if (at >= 0) digest.copy(bytes, at);
  }
  await writeFile(file, bytes);
}
