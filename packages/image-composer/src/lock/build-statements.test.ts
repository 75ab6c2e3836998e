import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import { sha256 } from "@cleanroom/core";
import { expect, test } from "vitest";
import { buildStatements } from "./build-statements.ts";

const line = JSON.stringify({
  subject: [{ digest: { sha256: "a".repeat(64) } }, { digest: { sha256: "b".repeat(64) } }],
  predicate: { buildDefinition: { buildType: "https://example.org/build" } },
});

async function repository(provenance?: { checksum: string }): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "statements-"));
  await mkdir(path.join(folder, "repodata"));
  const packed = zstdCompressSync(Buffer.from(`${line}\n`));
  await writeFile(path.join(folder, "repodata/provenance.jsonl.zst"), packed);
  const checksum = provenance?.checksum || sha256(packed);
  const data = `<data type="provenance"><checksum type="sha256">${checksum}</checksum>
    <location href="repodata/provenance.jsonl.zst"/></data>`;
  const index = `<repomd>${provenance === undefined ? "" : data}</repomd>`;
  await writeFile(path.join(folder, "repodata/repomd.xml"), index);
  return folder;
}

const read = (folder: string): ReturnType<typeof buildStatements> =>
  buildStatements([{ id: "r", location: { folder }, priority: 1, digest: "d" }]);

test("a build's statement is found by each of its packages", async () => {
  const found = await read(await repository({ checksum: "" }));
  const statement = { sha256: sha256(`${line}\n`), buildType: "https://example.org/build" };
  expect([...found]).toEqual([
    ["a".repeat(64), statement],
    ["b".repeat(64), statement],
  ]);
});

test("a repository that publishes none has none", async () => {
  expect([...(await read(await repository()))]).toEqual([]);
});

test("metadata that is not what the index names is not believed", async () => {
  await expect(read(await repository({ checksum: "0".repeat(64) }))).rejects.toMatchObject({
    code: "repository-unusable",
  });
});
