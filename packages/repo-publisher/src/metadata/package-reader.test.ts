import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { sha256 } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageLocation } from "../locations.ts";
import { metadataKinds } from "./descriptions.ts";
import { packChunk } from "./pack-chunk.ts";
import { PackageReader } from "./package-reader.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "package-reader-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Made by rpmbuild. */
const fixture = fileURLToPath(
  new URL("../../../rpm-parser/fixtures/rpms/fx.gz.rpm", import.meta.url),
);

async function readerOf(worthThreads: number): Promise<PackageReader> {
  return new PackageReader(await mkdtemp(path.join(folder, "descriptions-")), worthThreads);
}

describe.each([
  ["this thread", 1_000_000],
  ["other threads", 1],
])("on %s", (_, worthThreads) => {
  test("files that are no packages, and not what was announced, are told apart, in order", async () => {
    const text = path.join(folder, "text.rpm");
    await writeFile(text, "no package");
    const reader = new PackageReader(
      await mkdtemp(path.join(folder, "descriptions-")),
      worthThreads,
    );
    try {
      const files = Array.from({ length: 250 }, (_one, index) =>
        index % 2 === 0
          ? { file: text, sha256: sha256("no package") }
          : { file: text, sha256: sha256("something else") },
      );
      reader.expect(files.length);
      const found = await reader.identify(files);
      expect(found).toHaveLength(250);
      expect(found[0]).toEqual({ failure: expect.stringContaining(".rpm") as unknown });
      expect(found[249]).toEqual({ actualSha256: sha256("no package") });
    } finally {
      await reader.close();
    }
  });

  test("a package is read once: what is said of it is known then", async () => {
    const file = path.join(folder, "fx.rpm");
    const bytes = await readFile(fixture);
    await writeFile(file, bytes);
    const reader = await readerOf(worthThreads);
    try {
      reader.expect(1);
      const one = { file, sha256: sha256(bytes) };
      const [found] = await reader.identify([one]);
      if (found === undefined || !("identity" in found)) throw new Error("it was not identified");
      expect(found.identity.nevra).toBe("fx-1:1.2-3.noarch");
      const location = packageLocation(found.identity, one.sha256);
      const described = packChunk([{ ...one, sizeBytes: bytes.length, location }]);
      await rm(file);
      const packed = await reader.pack([{ ...one, sizeBytes: found.sizeBytes, location }]);
      for (const kind of metadataKinds) {
        expect(Buffer.from(packed[kind].text)).toEqual(described[kind].text);
        expect(Buffer.from(packed[kind].frame)).toEqual(described[kind].frame);
      }
      expect(Buffer.from(packed.primary.text).toString()).toContain(location);
    } finally {
      await reader.close();
    }
  });

  test("a package that cannot be described is an error", async () => {
    const reader = new PackageReader(
      await mkdtemp(path.join(folder, "descriptions-")),
      worthThreads,
    );
    try {
      const file = path.join(folder, "missing.rpm");
      const one = { file, sha256: sha256(""), sizeBytes: 0, location: "Packages/m/missing.rpm" };
      reader.expect(1);
      expect(await reader.identify([one])).toEqual([{ failure: expect.any(String) as unknown }]);
      await expect(reader.pack([one])).rejects.toMatchObject({ code: "package-unreadable" });
    } finally {
      await reader.close();
    }
  });
});
