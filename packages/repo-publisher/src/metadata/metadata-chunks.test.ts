import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256, silentLogger, Store } from "@cleanroom/core";
import { assert, property, string, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { cutChunks, metadataOf } from "./metadata-chunks.ts";
import { packChunk, type PackageToDescribe } from "./pack-chunk.ts";

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

/** Describes packages that are nowhere, and notes which it was asked to read. */
function fakeReader() {
  const read: string[] = [];
  const pack = (packages: readonly PackageToDescribe[]) => {
    const described = packages.map((one) => {
      if (one.metadata !== undefined) return one;
      read.push(one.location);
      const element = `<package>${one.location}</package>\n`;
      return { ...one, metadata: { primary: element, filelists: element, other: element } };
    });
    return Promise.resolve(packChunk(described));
  };
  return { read, pack };
}

test("of the packages of a chunk only those are read that are new", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "chunks-"));
  try {
    const store = await Store.open(folder, silentLogger);
    const packages = Array.from({ length: 2000 }, (_, index) => {
      const name = `package-${String(index).padStart(4, "0")}`;
      return { name, location: `Packages/p/${name}.rpm`, sha256: sha256(name), sizeBytes: 1 };
    });
    const reader = fakeReader();
    const made = async (some: typeof packages, before: typeof packages): Promise<string> => {
      let text = "";
      for await (const chunk of metadataOf(store, reader, some, before)) text += chunk.primary.text;
      return text;
    };
    const expected = (some: typeof packages): string =>
      some.map(({ location }) => `<package>${location}</package>\n`).join("");
    const before = packages.filter((_, index) => index !== 1000);
    expect(await made(before, [])).toBe(expected(before));
    expect(reader.read).toHaveLength(before.length);
    expect(await made(packages, before)).toBe(expected(packages));
    expect(reader.read.slice(before.length)).toEqual(["Packages/p/package-1000.rpm"]);
    const less = packages.slice(1);
    expect(await made(less, packages)).toBe(expected(less));
    expect(reader.read).toHaveLength(packages.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
