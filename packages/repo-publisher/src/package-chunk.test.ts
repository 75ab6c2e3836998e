import { sha256 } from "@cleanroom/core";
import { assert, property, string, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { compareText } from "./assemble.ts";
import {
  chunkOf,
  cutChunks,
  type EarlierChunk,
  type PackageChunk,
  rebuildChunks,
} from "./package-chunk.ts";
import type { PublishedPackage } from "./published-package.ts";

function named(names: readonly string[]): PublishedPackage[] {
  return names.toSorted(compareText).map((name): PublishedPackage => ({
    nevra: `${name}-1-1.noarch`,
    name,
    epoch: null,
    version: "1",
    release: "1",
    arch: "noarch",
    sourceRpm: `${name}-1-1.src.rpm`,
    location: `Packages/${name}.rpm`,
    sha256: sha256(`signed ${name}`),
    sizeBytes: 1,
    buildTimeSeconds: name.length,
    unsignedSha256: sha256(name),
  }));
}

const oneName = string({ minLength: 1, maxLength: 12 });
const names = uniqueArray(oneName, { maxLength: 500 });

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
    property(names, oneName, (some, added) => {
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

const texts = (chunks: readonly PackageChunk[]): string[] =>
  chunks.map(({ record }) => record.toString());

test("rebuilt chunks are the same as if all packages were cut anew", () => {
  const many = Array.from({ length: 1500 }, (_, index) => `package-${index}`);
  const inOrder = (packages: readonly PublishedPackage[]): PublishedPackage[] =>
    packages.toSorted((a, b) => compareText(a.name, b.name));
  assert(
    property(names, names, names, (some, gone, come) => {
      const before = [...new Set([...many, ...some])];
      const leave = new Set([...gone, ...many.filter((_, index) => index % 400 === gone.length)]);
      const left = before.filter((name) => !leave.has(name));
      const fresh = come.filter((name) => !left.includes(name));
      const earlier = cutChunks(named(before)).map((packages): EarlierChunk => {
        const stay = packages.filter(({ name }) => !leave.has(name));
        const chunk = chunkOf(packages);
        return stay.length === packages.length ? { chunk } : { chunk, left: stay };
      });
      const rebuilt = rebuildChunks(earlier, named(fresh), inOrder);
      const anew = cutChunks(named([...left, ...fresh])).map(chunkOf);
      expect(texts(rebuilt)).toEqual(texts(anew));
      expect(rebuilt.map(({ summary }) => summary)).toEqual(anew.map(({ summary }) => summary));
    }),
    { numRuns: 30 },
  );
});

test("chunks in which nothing changes are taken over", () => {
  const all = named(Array.from({ length: 3000 }, (_, index) => `package-${index}`));
  const chunks = cutChunks(all).map(chunkOf);
  const rebuilt = rebuildChunks(
    chunks.map((chunk) => ({ chunk })),
    named(["package-1500-more"]),
    (packages) => packages.toSorted((a, b) => compareText(a.name, b.name)),
  );
  const isTaken = (chunk: PackageChunk): boolean => chunks.includes(chunk);
  expect(rebuilt.length).toBeGreaterThan(5);
  expect(rebuilt.filter((chunk) => !isTaken(chunk)).length).toBeLessThanOrEqual(2);
});

test("what a chunk was made of is found whatever its packages say", () => {
  const [one, two] = named(["one", `two","unsignedSha256":"${"0".repeat(64)}"`]);
  if (one === undefined || two === undefined) throw new TypeError("two packages");
  const provenance = sha256("provenance");
  const chunk = chunkOf([{ ...one, provenance }, two]);
  expect([...chunk.sources()]).toEqual([
    { unsignedSha256: one.unsignedSha256, provenance },
    { unsignedSha256: two.unsignedSha256, provenance: undefined },
  ]);
  expect(chunk.provenance()).toEqual([provenance]);
  expect(chunk.packages()).toEqual([{ ...one, provenance }, two]);
});
