import { chmod, link, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathExists, silentLogger, Store } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Closure, closureOf, type ClosurePackage } from "./closure.ts";
import { checkPackages } from "./damaged-packages.ts";
import { fetchClosure } from "./fetch-closure.ts";

let folder: string;
let store: Store;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "damaged-packages-"));
  store = await Store.open(path.join(folder, "store"), silentLogger);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A repository of the store, of packages that are further names of its blobs, and a closure of it. */
async function repositoryOf(id: string, names: readonly string[]) {
  const location = { folder: store.path("repos", "built", id) };
  await mkdir(location.folder, { recursive: true });
  const packages: ClosurePackage[] = [];
  for (const name of names) {
    const { sha256, size } = await store.put(`package ${name}`);
    await link(store.blobPath(sha256), path.join(location.folder, `${name}.rpm`));
    packages.push({
      ...{ name, epoch: 0, version: "1", release: "1", arch: "noarch", sha256, sizeBytes: size },
      ...{ repository: id, location: `${name}.rpm`, sourceRpm: `${name}.src.rpm` },
    });
  }
  const repository = { id, location, priority: 10, digest: id, isDerived: true };
  return { repository, closure: closureOf(packages) };
}

async function damage(closure: Closure, name: string): Promise<void> {
  const entry = closure.packages.find((one) => one.name === name);
  const blob = store.blobPath(entry?.sha256 ?? "");
  const bytes = await readFile(blob, "utf8");
  await chmod(blob, 0o644);
  await writeFile(blob, bytes.replace("package", "rotten!"));
}

test("good packages are left alone", async () => {
  const { repository, closure } = await repositoryOf("a", ["one", "two"]);
  await checkPackages(store, closure, [repository]);
  expect(await pathExists(repository.location.folder)).toBe(true);
});

test("a damaged package is named and set aside, with the repository that has the same file", async () => {
  const { repository, closure } = await repositoryOf("a", ["one", "two"]);
  const other = await repositoryOf("b", ["three"]);
  const both = closureOf([...closure.packages, ...other.closure.packages]);
  await damage(closure, "two");
  // Of the same size: nobody reads it again because it is missing.
  await fetchClosure(store, both, [repository, other.repository]);
  await expect(checkPackages(store, both, [repository, other.repository])).rejects.toMatchObject({
    code: "packages-damaged",
    message: "the store held damaged packages: two-1-1.noarch",
    hint: expect.stringMatching(/^run the command again/) as string,
  });
  expect(await pathExists(repository.location.folder)).toBe(false);
  expect(await pathExists(other.repository.location.folder)).toBe(true);
  await repositoryOf("a", ["one", "two"]);
  await expect(checkPackages(store, closure, [repository])).resolves.toBeUndefined();
});

test("a repository that is nobody's to make again stays, whatever is in it", async () => {
  const { repository, closure } = await repositoryOf("a", ["one"]);
  await damage(closure, "one");
  const foreign = { ...repository, isDerived: false };
  await expect(checkPackages(store, closure, [foreign])).rejects.toMatchObject({
    code: "packages-damaged",
  });
  expect(await pathExists(repository.location.folder)).toBe(true);
  // What it has is not what it lists.
  await expect(fetchClosure(store, closure, [foreign])).rejects.toMatchObject({
    code: "digest-mismatch",
  });
  expect(await pathExists(repository.location.folder)).toBe(true);
  await expect(fetchClosure(store, closure, [repository])).rejects.toMatchObject({
    code: "digest-mismatch",
    hint: expect.stringMatching(/^run the command again/) as string,
  });
  expect(await pathExists(repository.location.folder)).toBe(false);
});
