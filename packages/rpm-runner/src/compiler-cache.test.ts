import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createLogger, Store } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CompilerCacheRequest, prepareCompilerCache } from "./compiler-cache.ts";

let folder: string;
let store: Store;
let request: CompilerCacheRequest;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "compiler-cache-"));
  store = await Store.open(
    path.join(folder, "store"),
    createLogger({ format: "human", quiet: true, write: () => undefined }),
  );
  const ccache = path.join(folder, "ccache");
  await mkdir(path.join(ccache, "usr/lib/x86_64-linux-gnu"), { recursive: true });
  await mkdir(path.join(ccache, "usr/lib64"));
  await writeFile(path.join(ccache, "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"), "");
  await symlink(
    "../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    path.join(ccache, "usr/lib64/ld-linux-x86-64.so.2"),
  );
  request = {
    ccache: { root: ccache, digest: "c".repeat(64) },
    base: "first",
    compilers: {
      commands: ["gcc", "x86_64-linux-gnu-g++-14"],
      packages: ["1".repeat(64), "2".repeat(64)],
    },
    name: "hello",
  };
});

afterAll(() => rm(folder, { recursive: true }));

/** The host folder that a build would write to. */
async function cacheFolder(change: Partial<CompilerCacheRequest> = {}): Promise<string> {
  const { mounts } = await prepareCompilerCache(store, { ...request, ...change });
  return mounts.find(({ writable }) => writable)?.source ?? "";
}

describe("whose compilations a build finds", () => {
  test("those of the same package, base and compilers", async () => {
    expect(await cacheFolder()).toBe(await cacheFolder());
  });

  test.each<[string, Partial<CompilerCacheRequest>]>([
    ["package", { name: "other" }],
    ["base", { base: "second" }],
    ["compiler", { compilers: { commands: ["gcc"], packages: ["1".repeat(64), "5".repeat(64)] } }],
    ["ccache", { ccache: { root: "", digest: "d".repeat(64) } }],
  ])("never those of another %s", async (_what, change) => {
    const ccache = { ...request.ccache, ...change.ccache, root: request.ccache.root };
    expect(await cacheFolder({ ...change, ccache })).not.toBe(await cacheFolder());
  });
});

test("compilers of the build root are stood in for", async () => {
  const { mounts, binaries } = await prepareCompilerCache(store, request);
  const setup = mounts.find(({ target }) => target === "/ccache")?.source ?? "";
  expect(binaries).toBe("/ccache/bin");
  expect(await readdir(path.join(setup, "bin"))).toEqual(["gcc", "x86_64-linux-gnu-g++-14"]);
  expect(await readFile(path.join(setup, "bin/gcc"), "utf8")).toContain(
    'ld-linux-x86-64.so.2 --library-path /ccache/root/usr/lib/x86_64-linux-gnu /ccache/root/usr/bin/ccache /usr/bin/gcc "$@"',
  );
});
