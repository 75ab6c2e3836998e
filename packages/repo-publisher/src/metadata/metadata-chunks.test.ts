import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256, silentLogger, Store } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chunkOf, cutChunks, type PackageChunk } from "../package-chunk.ts";
import type { PublishedPackage } from "../published-package.ts";
import { metadataOf } from "./metadata-chunks.ts";
import { packChunk, type PackageToDescribe } from "./pack-chunk.ts";

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

function published(index: number): PublishedPackage {
  const name = `package-${String(index).padStart(4, "0")}`;
  const location = `Packages/p/${name}.rpm`;
  return { name, location, sha256: sha256(name), sizeBytes: 1 } as PublishedPackage;
}

const chunksOf = (packages: readonly PublishedPackage[]): readonly PackageChunk[] =>
  cutChunks(packages).map(chunkOf);

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "chunks-"));
  store = await Store.open(folder, silentLogger);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** The text of some chunks' metadata, and the chunks with it. */
async function described(
  reader: ReturnType<typeof fakeReader>,
  chunks: readonly PackageChunk[],
  before: readonly PackageChunk[],
): Promise<{ readonly text: string; readonly chunks: readonly PackageChunk[] }> {
  let text = "";
  const made: PackageChunk[] = [];
  for await (const { chunk, metadata } of metadataOf(store, reader, chunks, before)) {
    text += metadata.primary.text;
    made.push(chunk);
  }
  return { text, chunks: made };
}

const expected = (some: readonly PublishedPackage[]): string =>
  some.map(({ location }) => `<package>${location}</package>\n`).join("");

test("of the packages of a chunk only those are read that are new", async () => {
  const packages = Array.from({ length: 2000 }, (_, index) => published(index));
  const reader = fakeReader();
  const some = packages.filter((_, index) => index !== 1000);
  const before = await described(reader, chunksOf(some), []);
  expect(before.text).toBe(expected(some));
  expect(reader.read).toHaveLength(some.length);
  const after = await described(reader, chunksOf(packages), before.chunks);
  expect(after.text).toBe(expected(packages));
  expect(reader.read.slice(some.length)).toEqual(["Packages/p/package-1000.rpm"]);
  const less = await described(reader, chunksOf(packages.slice(1)), after.chunks);
  expect(less.text).toBe(expected(packages.slice(1)));
  expect(reader.read).toHaveLength(packages.length);
});

test.each(["damaged", "missing"])("%s metadata of a chunk is made anew", async (what) => {
  const packages = [published(1), published(2)];
  const reader = fakeReader();
  const before = await described(reader, chunksOf(packages), []);
  const blob = store.blobPath(before.chunks[0]?.metadata?.sha256 ?? "");
  await rm(blob);
  if (what === "damaged") await writeFile(blob, "other bytes");
  const after = await described(reader, before.chunks, []);
  expect(after.text).toBe(expected(packages));
  expect(reader.read).toHaveLength(4);
});
