import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256 } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PackageReader } from "./package-reader.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "package-reader-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ["this thread", 1_000_000],
  ["other threads", 1],
])("on %s", (_, worthThreads) => {
  test("files that are no packages, and not what was announced, are told apart, in order", async () => {
    const text = path.join(folder, "text.rpm");
    await writeFile(text, "no package");
    const reader = new PackageReader(worthThreads);
    try {
      const files = Array.from({ length: 250 }, (_one, index) =>
        index % 2 === 0
          ? { file: text, sha256: sha256("no package") }
          : { file: text, sha256: sha256("something else") },
      );
      const found = await reader.identify(files);
      expect(found).toHaveLength(250);
      expect(found[0]).toEqual({ failure: expect.stringContaining(".rpm") as unknown });
      expect(found[249]).toEqual({ actualSha256: sha256("no package") });
    } finally {
      await reader.close();
    }
  });

  test("a package that cannot be described is an error", async () => {
    const reader = new PackageReader(worthThreads);
    try {
      const file = path.join(folder, "missing.rpm");
      const one = { file, sha256: sha256(""), sizeBytes: 0, location: "Packages/m/missing.rpm" };
      expect(await reader.identify([one])).toEqual([{ failure: expect.any(String) as unknown }]);
      await expect(reader.pack([one])).rejects.toMatchObject({ code: "package-unreadable" });
    } finally {
      await reader.close();
    }
  });
});
