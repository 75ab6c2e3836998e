import { assert, property, string, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { cutChunks } from "./metadata-chunks.ts";

function named(names: readonly string[]): { name: string }[] {
  return names.toSorted().map((name) => ({ name }));
}

const names = uniqueArray(string({ minLength: 1, maxLength: 12 }), { maxLength: 500 });

test("chunks hold every package, in order, and none is empty", () => {
  assert(
    property(names, (some) => {
      const packages = named(some);
      const chunks = cutChunks(packages);
      expect(chunks.flat()).toEqual(packages);
      expect(chunks.every((chunk) => chunk.length > 0)).toBe(true);
    }),
  );
});

test("one package more changes at most two chunks", () => {
  assert(
    property(names, string({ minLength: 1, maxLength: 12 }), (some, added) => {
      const texts = (list: readonly string[]): string[] =>
        cutChunks(named(list)).map((chunk) => chunk.map((one) => one.name).join("\0"));
      const before = new Set(texts(some));
      const after = texts([...new Set([...some, added])]);
      expect(after.filter((text) => !before.has(text)).length).toBeLessThanOrEqual(2);
    }),
  );
});

test("packages of one name stay together", () => {
  const chunks = cutChunks(Array.from({ length: 300 }, () => ({ name: "kernel" })));
  expect(chunks.map((chunk) => chunk.length)).toEqual([300]);
});
