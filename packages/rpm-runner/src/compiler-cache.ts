import { mkdir, readdir, realpath, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  CleanroomError,
  type Mount,
  pathExists,
  type Sha256,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import type { Compilers } from "./compiler-packages.ts";

/** Raised when what is set up for ccache changes. */
const cacheEpoch = 1;

/** Where a build finds ccache: a path of its own, so that nothing of the build root is covered. */
const folderInside = "/ccache";

/** What a package may keep; ccache removes what was used longest ago. */
const bytesOfPackage = "400M";

/** Whose compilations are kept apart from all others. */
export interface CompilerCacheRequest {
  /** ccache, unpacked. */
  readonly ccache: Tools;
  readonly base: string;
  /** Those of the build root. */
  readonly compilers: Compilers;
  /** Package or development build that the cache is for. */
  readonly name: string;
}

/** What a sandbox needs for its compilers to be ccache's. */
export interface CompilerCache {
  readonly mounts: readonly Mount[];
  /** Comes first in PATH. */
  readonly binaries: string;
}

/**
 * Sets up a compiler cache in the store. Every package has its own, so that no build can put
 * anything before another; and so has every base, and every compiler with what it runs with, by the
 * digests of their packages.
 *
 * ccache is never in the build root. A folder of commands named as the compilers comes first in
 * PATH; each runs ccache with the loader and the libraries that it was locked with, and the
 * compiler by the path that it has without ccache.
 */
export async function prepareCompilerCache(
  store: Store,
  request: CompilerCacheRequest,
): Promise<CompilerCache> {
  const { ccache, base, name } = request;
  const { commands, packages } = request.compilers;
  const compiler = sha256Json(packages);
  const digest = sha256Json([cacheEpoch, ccache.digest, base, compiler, commands]);
  const folder = store.path("ccache", digest);
  const setup = path.join(folder, "setup");
  if (!(await pathExists(setup))) {
    await store.withTemporaryFolder("ccache", async (temporary) => {
      const made = path.join(temporary, "setup");
      await writeSetup(made, commands, compiler, await loaderOf(ccache.root));
      await adoptFolder(made, setup);
    });
  }
  const files = path.join(folder, "packages", name);
  await mkdir(files, { recursive: true });
  // The time of its last use, for whoever wants to remove old ones.
  const now = new Date();
  await utimes(folder, now, now);
  return {
    binaries: `${folderInside}/bin`,
    mounts: [
      { source: setup, target: folderInside },
      { source: ccache.root, target: `${folderInside}/root` },
      { source: files, target: `${folderInside}/files`, writable: true },
    ],
  };
}

async function writeSetup(
  folder: string,
  commands: readonly string[],
  compiler: Sha256,
  loader: string,
): Promise<void> {
  for (const name of ["bin", "root", "files"]) {
    await mkdir(path.join(folder, name), { recursive: true });
  }
  await writeFile(path.join(folder, "ccache.conf"), configuration(compiler));
  for (const name of commands) {
    await writeFile(path.join(folder, "bin", name), wrapper(name, loader), { mode: 0o755 });
  }
}

/** ccache's settings (ccache's manual, "Configuration options"). */
function configuration(compiler: Sha256): string {
  return [
    `cache_dir = ${folderInside}/files`,
    `max_size = ${bytesOfPackage}`,
    // Times of files in a root say nothing; the packages that the compiler came from say all.
    `compiler_check = string:${compiler}`,
    // Direct mode looks up the headers that were read before and misses one that is new and would
    // be found first. Comparing what the preprocessor makes can be wrong in nothing.
    "direct_mode = false",
    "sloppiness =",
    "",
  ].join("\n");
}

/** Stands in for a compiler. What it sets is for ccache, and means nothing to the compiler. */
function wrapper(name: string, loader: string): string {
  const root = `${folderInside}/root`;
  return [
    "#!/bin/sh",
    `CCACHE_CONFIGPATH=${folderInside}/ccache.conf exec ${root}/${loader} --library-path ${root}/${path.dirname(loader)} ${root}/usr/bin/ccache /usr/bin/${name} "$@"`,
    "",
  ].join("\n");
}

/** The program loader of a root, below it, where it lies beside the libraries. */
async function loaderOf(root: string): Promise<string> {
  for (const folder of ["usr/lib64", "usr/lib"]) {
    for (const name of await readdir(path.join(root, folder)).catch(() => [])) {
      if (!name.startsWith("ld-linux")) continue;
      return path.relative(await realpath(root), await realpath(path.join(root, folder, name)));
    }
  }
  throw new CleanroomError("compiler-cache-unusable", "ccache came without a program loader", {
    place: { step: "compiler cache" },
    hint: "build with --no-ccache",
  });
}
