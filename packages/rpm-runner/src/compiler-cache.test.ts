import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createLogger, Store } from "@cleanroom/core";
import { closureOf } from "@cleanroom/rootfs";
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
  const root = path.join(folder, "root");
  await mkdir(path.join(root, "usr/bin"), { recursive: true });
  for (const name of ["gcc", "x86_64-linux-gnu-g++-14", "gcc-ar", "ccache", "cccc"]) {
    await writeFile(path.join(root, "usr/bin", name), "");
  }
  request = {
    ccache: { root: ccache, digest: "c".repeat(64) },
    base: "first",
    toolchain: ["gcc", "libc"],
    closure: closure({ gcc: "1", libc: "2", zlib: "3" }),
    root,
    name: "hello",
  };
});

afterAll(() => rm(folder, { recursive: true }));

function closure(packages: Readonly<Record<string, string>>): CompilerCacheRequest["closure"] {
  return closureOf(
    Object.entries(packages).map(([name, digit]) => ({
      ...{ name, epoch: 0, version: "1", release: "1", arch: "x86_64" },
      ...{ sha256: digit.repeat(64), sizeBytes: 1, repository: "base" },
      ...{ location: `${name}.rpm`, sourceRpm: `${name}.src.rpm` },
    })),
  );
}

/** The host folder that a build would write to. */
async function cacheFolder(change: Partial<CompilerCacheRequest> = {}): Promise<string> {
  const { mounts } = await prepareCompilerCache(store, { ...request, ...change });
  return mounts.find(({ writable }) => writable)?.source ?? "";
}

describe("whose compilations a build finds", () => {
  test("those of the same package, base and toolchain, whatever else is in the build root", async () => {
    const known = await cacheFolder();
    expect(await cacheFolder()).toBe(known);
    expect(await cacheFolder({ closure: closure({ gcc: "1", libc: "2", zlib: "4" }) })).toBe(known);
  });

  test.each<[string, Partial<CompilerCacheRequest>]>([
    ["package", { name: "other" }],
    ["base", { base: "second" }],
    ["compiler", { closure: closure({ gcc: "5", libc: "2", zlib: "3" }) }],
    ["C library", { closure: closure({ gcc: "1", libc: "5", zlib: "3" }) }],
    ["ccache", { ccache: { root: "", digest: "d".repeat(64) } }],
  ])("never those of another %s", async (_what, change) => {
    const ccache = { ...request.ccache, ...change.ccache, root: request.ccache.root };
    expect(await cacheFolder({ ...change, ccache })).not.toBe(await cacheFolder());
  });
});

test("compilers of the build root are stood in for, and nothing else", async () => {
  const { mounts, binaries } = await prepareCompilerCache(store, request);
  const setup = mounts.find(({ target }) => target === "/ccache")?.source ?? "";
  expect(binaries).toBe("/ccache/bin");
  expect(await readdir(path.join(setup, "bin"))).toEqual(["gcc", "x86_64-linux-gnu-g++-14"]);
  expect(await readFile(path.join(setup, "bin/gcc"), "utf8")).toContain(
    'ld-linux-x86-64.so.2 --library-path /ccache/root/usr/lib/x86_64-linux-gnu /ccache/root/usr/bin/ccache /usr/bin/gcc "$@"',
  );
});
