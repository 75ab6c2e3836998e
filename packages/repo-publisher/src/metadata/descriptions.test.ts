import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  DescriptionFile,
  type DescriptionPlace,
  metadataKinds,
  readDescriptions,
} from "./descriptions.ts";
import type { PackageMetadata } from "./package-metadata.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "descriptions-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test("what was put down is read again, in any order and from several files", () => {
  const files = ["a", "b"].map((name) => new DescriptionFile(path.join(folder, name)));
  const described: [PackageMetadata, DescriptionPlace][] = [];
  // The longest is larger than what is written at once.
  for (const [index, length] of [0, 10, 400_000, 3_000_000, 5].entries()) {
    for (const file of files) {
      const metadata = { primary: `ü${index}`, filelists: "☃".repeat(length), other: "" };
      described.push([metadata, file.add(metadata)]);
    }
  }
  for (const file of files) file.flush();
  const backwards = described.toReversed();
  const places = backwards.map(([, place]) => place);
  const all = readDescriptions([undefined, ...places]);
  expect(all[0]).toBeUndefined();
  for (const [index, [metadata]] of backwards.entries()) {
    const read = metadataKinds.map((kind) => Buffer.from(all[index + 1]?.[kind] ?? "").toString());
    // Not shown: a difference of megabytes would be printed.
    expect(read[0]).toBe(metadata.primary);
    expect(read[1] === metadata.filelists).toBe(true);
    expect(read[2]).toBe("");
  }
  for (const file of files) file.close();
});

test("a file that was cut off is an error", () => {
  const file = new DescriptionFile(path.join(folder, "a"));
  const place = file.add({ primary: "one", filelists: "two", other: "three" });
  file.flush();
  expect(() => readDescriptions([{ ...place, start: place.start + 1 }])).toThrow("shorter");
  file.close();
});
