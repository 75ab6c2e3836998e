import { CleanroomError } from "@cleanroom/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decompressPayload } from "./decompress.ts";

const text = "Clean container images from RPM specs. ".repeat(6);

/** The text as `bzip2 -9`, `xz -6 --check=sha256`, `xz -0 --check=crc32` and `xz --format=lzma` write it. */
const written = [
  [
    "bzip2",
    "QlpoOTFBWSZTWVeBlR4AABeXgEABCAJQACun3AAgAHBTCaaA0xBFIgaAxqQPg+jkcjuNB2HgbDQdxkfBqMDgZHocDqPwwMD8MjI1GBoNxyNx7GRgajYeh/F3JFOFCQV4GVHg",
  ],
  [
    "xz",
    "/Td6WFoAAArh+wyhAgAhARYAAAB0L+Wj4ADpAC5dACGbCKYkxPewtGpw8/ONZSJ849scptSmH0m9iEOKg/gOZnFbmcgZOKMa13/1AAAAAABLSdCQluCowNplNdIOBxXZ9cFFbn8H+UAAJDVaw0WtLgABYuoBAAAAl8KxXLbp3xwCAAAAAApZWg==",
  ],
  [
    "xz",
    "/Td6WFoAAAFpIt42AgAhAQwAAACPmEGc4ADpAC5dACGbCKYkxPewtGpw8/ONZSJ849scptSmH0m9iEOKg/gOZnFbmcgZOKMa13/1AAAAAABY5McaAAFG6gEAAAC3hYzAPjANiwIAAAAAAVla",
  ],
  [
    "lzma",
    "XQAAgAD//////////wAhmwimJMT3sLRqcPPzjWUifOPbHKbUph9JvYhDioP4DmZxW5nIGTijGtePTjP///jIwAA=",
  ],
] as const;

async function decompressed(
  compressor: (typeof written)[number][0],
  chunks: readonly Uint8Array[],
): Promise<string> {
  const found: Uint8Array[] = [];
  for await (const chunk of decompressPayload(compressor, chunks)) found.push(chunk);
  return Buffer.concat(found).toString();
}

describe.each(written)("%s", (compressor, base64) => {
  const bytes = Buffer.from(base64, "base64");

  it("is decompressed, however it arrives", async () => {
    expect(await decompressed(compressor, [bytes])).toBe(text);
    const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
    expect(await decompressed(compressor, single)).toBe(text);
  });

  it("may come in parts, one after the other", async () => {
    if (compressor === "lzma") return;
    expect(await decompressed(compressor, [bytes, bytes])).toBe(text + text);
  });

  it("is an error wherever it is cut", async () => {
    for (let length = 0; length < bytes.length - 8; length += 1) {
      await expect(decompressed(compressor, [bytes.subarray(0, length)])).rejects.toThrow(
        CleanroomError,
      );
    }
  });

  it("never fails but by a known error", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const damaged = Buffer.from(bytes);
          for (const [at, value] of changes) damaged[at] = value;
          const known = await decompressed(compressor, [damaged]).then(
            () => true,
            (error: unknown) => error instanceof CleanroomError,
          );
          expect(known).toBe(true);
        },
      ),
      { numRuns: 100, seed: 5 },
    );
  });
});
