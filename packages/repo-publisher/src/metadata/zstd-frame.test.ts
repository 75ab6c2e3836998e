import { zstdDecompressSync } from "node:zlib";
import { array, assert, oneof, property, string, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import {
  blocksOf,
  compressPieceSync,
  frameEnd,
  frameStart,
  separatorBlocks,
  separatorText,
} from "./zstd-frame.ts";

/** Pieces as they come: of few different lines, or of anything. */
const line = string({ minLength: 1, maxLength: 30 });
const lines = array(line, { minLength: 1, maxLength: 5 }).chain((some) =>
  array(oneof(...some.map((one) => string({ maxLength: 3 }).map((more) => `${one}${more}\n`))), {
    maxLength: 300,
  }).map((texts) => Buffer.from(texts.join(""))),
);
const pieces = array(oneof(lines, uint8Array({ maxLength: 400 })), { minLength: 1, maxLength: 8 });

function join(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([
    frameStart,
    ...parts.flatMap((part, index) => [
      ...(index === 0 ? [] : [separatorBlocks]),
      blocksOf(compressPieceSync(part)),
    ]),
    frameEnd,
  ]);
}

test("pieces that were compressed apart are one frame", () => {
  assert(
    property(pieces, (parts) => {
      const text = Buffer.concat([
        ...parts.flatMap((part, index) => (index === 0 ? [part] : [separatorText, part])),
      ]);
      expect(zstdDecompressSync(join(parts)).equals(text)).toBe(true);
    }),
  );
});

test("a piece of many blocks, and one of equal bytes", () => {
  const numbers = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index * 7919).join());
  const parts = [numbers, Buffer.alloc(1_000_000, "x"), numbers, Buffer.alloc(0)];
  const text = zstdDecompressSync(join(parts)).toString();
  expect(text).toBe(parts.map(String).join(separatorText.toString()));
});

test("without the separator, pieces would not fit together", () => {
  const part = Buffer.from(`${"aaaaaaaaaaaaaaaab".repeat(3)}q`);
  const blocks = blocksOf(compressPieceSync(part));
  const twice = (between: Uint8Array): string =>
    zstdDecompressSync(Buffer.concat([frameStart, blocks, between, blocks, frameEnd])).toString();
  expect(twice(Buffer.alloc(0))).not.toBe(`${part.toString()}${part.toString()}`);
  expect(twice(separatorBlocks)).toBe(
    `${part.toString()}${separatorText.toString()}${part.toString()}`,
  );
});
