import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, Store } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PublishedPackage } from "./published-package.ts";
import { addToPool, prunePool } from "./package-pool.ts";

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "pool-"));
  store = await Store.open(path.join(folder, "store"), silentLogger);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function published(name: string): Promise<PublishedPackage> {
  const { sha256 } = await store.put(`the package ${name}`);
  const location = `Packages/${name.slice(0, 1)}/${name}-1-1.noarch.${sha256.slice(0, 12)}.rpm`;
  return { name, sha256, location } as PublishedPackage;
}

const inPool = (one: PublishedPackage): string => store.path("repos/cleanroom", one.location);

test("a package is in the pool once, as a link to its blob", async () => {
  const one = await published("hello");
  await addToPool(store, "cleanroom", [one]);
  await addToPool(store, "cleanroom", [one]);
  expect(await readFile(inPool(one), "utf8")).toBe("the package hello");
  expect((await stat(inPool(one))).ino).toBe((await stat(store.blobPath(one.sha256))).ino);
});

test("a package that is neither in the pool nor in the store is an error", async () => {
  const one = await published("hello");
  await rm(store.blobPath(one.sha256));
  await expect(addToPool(store, "cleanroom", [one])).rejects.toMatchObject({
    code: "blob-missing",
  });
  expect(await readdir(path.dirname(inPool(one)))).toEqual([]);
});

test("a package in the pool stays when the store has lost its blob, unless its bytes are others", async () => {
  const one = await published("hello");
  await addToPool(store, "cleanroom", [one]);
  await rm(store.blobPath(one.sha256));
  await addToPool(store, "cleanroom", [one]);
  await rm(inPool(one));
  await writeFile(inPool(one), "other bytes");
  await expect(addToPool(store, "cleanroom", [one])).rejects.toMatchObject({
    code: "blob-missing",
  });
  await store.put("the package hello");
  await addToPool(store, "cleanroom", [one]);
  expect(await readFile(inPool(one), "utf8")).toBe("the package hello");
});

test("what no generation has goes", async () => {
  const packages = await Promise.all(["hello", "world", "hull"].map(published));
  await addToPool(store, "cleanroom", packages);
  await mkdir(store.path("repos/cleanroom/Packages/x"));
  await writeFile(store.path("repos/cleanroom/Packages/x/left-by-a-killed-publisher.rpm"), "");
  await prunePool(store, "cleanroom", packages.slice(0, 1));
  const left = await readdir(store.path("repos/cleanroom/Packages"), {
    recursive: true,
    withFileTypes: true,
  });
  const files = left.filter((entry) => entry.isFile()).map(({ name }) => name);
  expect(files).toEqual([path.basename(packages[0]?.location ?? "")]);
});
