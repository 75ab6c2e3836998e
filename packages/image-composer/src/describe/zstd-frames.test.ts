import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { unpackZstd } from "./zstd-frames.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "zstd-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function unpack(...frames: readonly Uint8Array[]): Promise<string> {
  const file = path.join(folder, "frames");
  await writeFile(file, Buffer.concat(frames));
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpackZstd(file)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const frame = (text: string, checksum = 0) =>
  zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: checksum } });

// Long ones have several blocks, and blocks of one byte repeated.
const long = Array.from({ length: 40_000 }, (_, i) => String(i * 7919)).join(" ");
const same = "a".repeat(500_000);

test("frames one after the other are one text", async () => {
  expect(await unpack(frame("one "), frame(long, 1), frame(same), frame(""), frame("two"))).toBe(
    `one ${long}${same}two`,
  );
  expect(await unpack()).toBe("");
});

test("frames that may be skipped are skipped", async () => {
  const skippable = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  expect(await unpack(skippable, frame("text"), skippable)).toBe("text");
});

test("what is no frame, or not all of one, is damage", async () => {
  const whole = frame(long);
  await expect(unpack(whole, Buffer.from("no zstd frame"))).rejects.toThrow(
    `no whole zstd frame at byte ${whole.length}`,
  );
  for (const length of [3, 9, whole.length - 1]) {
    await expect(unpack(whole.subarray(0, length))).rejects.toThrow(
      "no whole zstd frame at byte 0",
    );
  }
});
