import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256 } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseRecord, readRecord, recordFileName, writeRecord } from "./generation-record.ts";
import { chunkOf } from "./package-chunk.ts";
import type { PublishedPackage } from "./published-package.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "record-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const head = {
  version: 1 as const,
  id: "0123456789abcdef",
  repository: "cleanroom",
  repomdSha256: sha256("repomd"),
  keyFingerprint: "0123",
  signedPackages: true,
};

function published(name: string): PublishedPackage {
  return {
    nevra: `${name}-1-1.noarch`,
    name,
    epoch: null,
    version: "1",
    release: "1",
    arch: "noarch",
    sourceRpm: null,
    location: `Packages/${name}.rpm`,
    sha256: sha256(name),
    sizeBytes: 1,
    buildTimeSeconds: 2,
    unsignedSha256: sha256(name),
  };
}

const metadata = { sha256: sha256("frames"), frameBytes: [1, 2, 3], textBytes: [4, 5, 6] };
const packages = [published("a"), published("b-é"), published("c")];
const chunks = [packages.slice(0, 2), packages.slice(2)].map((some) =>
  chunkOf(some).withMetadata(metadata),
);

test("a record is read as it was written, and is JSON to everybody else", async () => {
  await writeRecord(folder, { head, chunks });
  expect(await readRecord(folder)).toEqual({ head, chunks });
  const text = await readFile(path.join(folder, recordFileName), "utf8");
  expect(parseRecord(text)).toMatchObject({ ...head, packages });
  expect(text.split("\n").filter((line) => line.startsWith(`{"nevra"`))).toHaveLength(3);
});

test("a record without packages", async () => {
  await writeRecord(folder, { head, chunks: [] });
  expect(await readRecord(folder)).toEqual({ head, chunks: [] });
  const text = await readFile(path.join(folder, recordFileName), "utf8");
  expect(parseRecord(text)).toMatchObject({ packages: [] });
});

test("a record that does not say how it is divided is divided anew", async () => {
  const record = { ...head, packages };
  await writeFile(path.join(folder, recordFileName), JSON.stringify(record));
  const read = await readRecord(folder);
  expect(read.head).toEqual(head);
  expect(read.chunks.flatMap((chunk) => chunk.packages())).toEqual(packages);
  expect(read.chunks.map((chunk) => chunk.metadata)).not.toContainEqual(metadata);
});

test("a changed record is refused", async () => {
  await writeRecord(folder, { head, chunks });
  const file = path.join(folder, recordFileName);
  await writeFile(file, (await readFile(file, "utf8")).replace("a-1-1", "a-1-2"));
  await expect(readRecord(folder)).rejects.toThrow("changed");
});
