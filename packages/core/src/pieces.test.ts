import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { parseBeginning } from "./pieces.ts";

class TooShort extends Error {}

/** A parser of so many bytes, and how many it was given each time. */
function parserOf(wanted: number): { given: number[]; parse: (bytes: Uint8Array) => number } {
  const given: number[] = [];
  const parse = (bytes: Uint8Array): number => {
    given.push(bytes.length);
    if (bytes.length < wanted) throw new TooShort("there is more");
    return bytes[wanted - 1] ?? 0;
  };
  return { given, parse };
}

const isTooShort = (thrown: unknown): boolean => thrown instanceof TooShort;

async function fileOf(sizeBytes: number): Promise<string> {
  const file = path.join(await mkdtemp(path.join(tmpdir(), "beginning-")), "file");
  const bytes = Buffer.alloc(sizeBytes);
  bytes[200_000 - 1] = 7;
  await writeFile(file, bytes);
  return file;
}

test("so much of a file is read as its parser needs", async () => {
  const file = await fileOf(5_000_000);
  for (const buffer of [undefined, Buffer.alloc(64 * 1024)]) {
    const { given, parse } = parserOf(200_000);
    expect(parseBeginning(file, parse, isTooShort, buffer)).toBe(7);
    expect(given).toEqual([64 * 1024, 256 * 1024]);
  }
});

test("a file that ends too early is the parser's error, and so is any other at once", async () => {
  const file = await fileOf(300_000);
  const { given, parse } = parserOf(300_001);
  expect(() => parseBeginning(file, parse, isTooShort)).toThrow(TooShort);
  expect(given).toEqual([64 * 1024, 256 * 1024, 300_000]);
  expect(() => parseBeginning(file, parserOf(300_001).parse, () => false)).toThrow(TooShort);
});
