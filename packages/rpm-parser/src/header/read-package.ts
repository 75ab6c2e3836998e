import { createHash, hash } from "node:crypto";
import { CleanroomError } from "@cleanroom/core";
import { type ByteChunks, ByteSource } from "./byte-source.ts";
import { HeaderBlob, headerIntroBytes, headerSizeBytes } from "./header-blob.ts";
import { describePackage, type RpmHeader } from "./package-header.ts";
import { signatureTag } from "./tag-table.ts";

const leadBytes = 96;
const leadMagic = [0xed, 0xab, 0xee, 0xdb] as const;

/** An open .rpm: its checked header, and its payload still to come. */
export interface RpmPackage {
  readonly header: RpmHeader;
  /**
   * The compressed payload, once, in order. Read to the end it is checked against the header's
   * payload digest and fails with `rpm-payload-digest` where they differ.
   */
  readonly payload: AsyncIterable<Uint8Array>;
  /** Gives the source up without reading the payload. */
  close(): Promise<void>;
}

/**
 * Opens an .rpm from a stream of its bytes: reads the lead and both headers, checks the main
 * header's SHA-256 (SHA-1 or MD5 where an old package has no better), and leaves the payload to be
 * streamed.
 *
 * @throws CleanroomError `rpm-not-a-package`, `rpm-truncated`, `rpm-header-invalid`,
 *   `rpm-header-digest`.
 */
export async function openRpmPackage(chunks: ByteChunks): Promise<RpmPackage> {
  const source = new ByteSource(chunks, "the .rpm");
  const header = await readHeaders(source);
  return {
    header,
    payload: checkedPayload(source, header),
    close: () => source.close(),
  };
}

/** Reads the headers alone and closes the source; the payload is neither read nor checked. */
export async function readRpmHeader(chunks: ByteChunks): Promise<RpmHeader> {
  const source = new ByteSource(chunks, "the .rpm");
  try {
    return await readHeaders(source);
  } finally {
    await source.close();
  }
}

/**
 * The header and compressed payload of an .rpm held in memory; checks both digests.
 *
 * @throws CleanroomError as {@link openRpmPackage}, and `rpm-payload-digest`.
 */
export function readRpmPackage(bytes: Uint8Array): { header: RpmHeader; payload: Uint8Array } {
  const header = readRpmHeaderBytes(bytes);
  const payload = bytes.subarray(header.payload.offset);
  checkPayload(header, hash("sha256", payload));
  return { header, payload };
}

/** The header of an .rpm of which at least the headers are in memory; the payload is not looked at. */
export function readRpmHeaderBytes(bytes: Uint8Array): RpmHeader {
  const { signature, main, headerRange, headerSha256 } = readRpmHeaderBlobs(bytes);
  return describePackage(signature, main, headerRange, headerSha256);
}

/** Whether the bytes of an .rpm ended before what was to be read of them did. */
export function isTruncated(thrown: unknown): boolean {
  return thrown instanceof CleanroomError && thrown.code === "rpm-truncated";
}

/** Both headers of an .rpm, checked, for who needs few of their tags. */
export function readRpmHeaderBlobs(
  bytes: Uint8Array,
): Pick<RpmHeader, "signature" | "main" | "headerRange" | "headerSha256"> {
  const part = (start: number, length: number, what: string): Uint8Array => {
    if (start + length > bytes.length) {
      throw new CleanroomError(
        "rpm-truncated",
        `the .rpm ends at byte ${bytes.length}, inside ${what}`,
        { hint: "Fetch or build the package again." },
      );
    }
    return bytes.subarray(start, start + length);
  };
  checkLead(part(0, leadBytes, "the lead"));
  const whole = (start: number, what: string): HeaderBlob => {
    const size = headerSizeBytes(part(start, headerIntroBytes, what), what);
    return new HeaderBlob(part(start, size, what), what);
  };
  const signature = whole(leadBytes, "the signature header");
  const start = leadBytes + padded(signature.bytes.length);
  const main = whole(start, "the main header");
  return checked(signature, main, start);
}

async function readHeaders(source: ByteSource): Promise<RpmHeader> {
  checkLead(await source.take(leadBytes, "the lead"));
  const signature = await readBlob(source, "the signature header");
  const padding = padded(signature.bytes.length) - signature.bytes.length;
  await source.take(padding, "the signature header's padding");
  const start = source.offset;
  const main = await readBlob(source, "the main header");
  const { headerRange, headerSha256 } = checked(signature, main, start);
  return describePackage(signature, main, headerRange, headerSha256);
}

async function readBlob(source: ByteSource, what: string): Promise<HeaderBlob> {
  const intro = await source.take(headerIntroBytes, what);
  const rest = await source.take(headerSizeBytes(intro, what) - headerIntroBytes, what);
  return new HeaderBlob(Buffer.concat([intro, rest]), what);
}

/** The signature header is padded to a multiple of eight; the main header is not. */
function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8;
}

function checkLead(lead: Uint8Array): void {
  if (leadMagic.every((byte, index) => lead[index] === byte)) return;
  throw new CleanroomError("rpm-not-a-package", "this is not an .rpm: its first bytes are wrong");
}

function checked(
  signature: HeaderBlob,
  main: HeaderBlob,
  start: number,
): ReturnType<typeof readRpmHeaderBlobs> {
  const headerRange = { start, end: start + main.bytes.length };
  return { signature, main, headerRange, headerSha256: checkHeaderDigest(signature, main) };
}

/** Returns the header's SHA-256 after comparing it with the best digest the package gives. */
function checkHeaderDigest(signature: HeaderBlob, main: HeaderBlob): string {
  const sha256 = hash("sha256", main.bytes);
  const expectedSha256 = signature.string(signatureTag.sha256);
  if (expectedSha256 !== undefined) {
    if (expectedSha256 !== sha256) throw headerDigestError("SHA-256", expectedSha256, sha256);
    return sha256;
  }
  const expectedSha1 = signature.string(signatureTag.sha1);
  if (expectedSha1 !== undefined) {
    const sha1 = hash("sha1", main.bytes);
    if (expectedSha1 !== sha1) throw headerDigestError("SHA-1", expectedSha1, sha1);
  }
  return sha256;
}

function headerDigestError(algorithm: string, expected: string, actual: string): CleanroomError {
  return new CleanroomError(
    "rpm-header-digest",
    `the header's ${algorithm} is ${actual}, but the package says ${expected.slice(0, 128)}`,
    { hint: "The .rpm is damaged or was changed after it was made; fetch or build it again." },
  );
}

async function* checkedPayload(
  source: ByteSource,
  header: RpmHeader,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digest = createHash("sha256");
  for await (const chunk of source.rest()) {
    digest.update(chunk);
    yield chunk;
  }
  checkPayload(header, digest.digest("hex"));
}

function checkPayload(header: RpmHeader, actual: string): void {
  const expected = header.payload.sha256;
  if (expected === undefined || expected === actual) return;
  throw new CleanroomError(
    "rpm-payload-digest",
    `the payload of ${header.nevra} has SHA-256 ${actual}, but its header says ${expected.slice(0, 128)}`,
    { hint: "The .rpm is damaged or was changed after it was made; fetch or build it again." },
  );
}
