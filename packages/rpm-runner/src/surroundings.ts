import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { type Mount, pathExists, runInSandbox } from "@cleanroom/core";

/** What a build sees of the machine and of whoever runs it, and must not show in what it makes. */
export interface Surroundings {
  readonly hostName: string;
  /** User and group id. */
  readonly uid: number;
  /** Such as `077`. */
  readonly umask: string;
  /** Compiler jobs at once. */
  readonly jobs: number;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** In words, for people. */
  readonly differences: readonly string[];
}

const preloadedCode = new URL("surroundings.c", import.meta.url);

/** Where a build finds the code that changes its clock and its order of files. */
const folderInside = "/surroundings";

/**
 * Surroundings that differ from the usual ones in all that one can think of. The clock and the
 * order of files are changed by code that the build root's own compiler makes; where the root has
 * none, these two stay.
 *
 * @param folder an empty one that stays until the build is over
 */
export async function otherSurroundings(root: string, folder: string): Promise<Surroundings> {
  const jobs = availableParallelism() === 1 ? 3 : 1;
  const inside = await makePreloaded(root, folder);
  return {
    hostName: "elsewhere.example.org",
    uid: 4321,
    umask: "077",
    jobs,
    env: {
      ...{ USER: "somebody", LOGNAME: "somebody", SHELL: "/bin/bash", CLEANROOM_ELSEWHERE: "1" },
      // The one locale besides C.UTF-8 that every root has; the zone is in no need of its data.
      ...{ LANG: "C", LC_ALL: "C", LANGUAGE: "de", TZ: "ELSE-13:45" },
      ...(inside === undefined ? {} : { LD_PRELOAD: inside }),
    },
    mounts: inside === undefined ? [] : [{ source: folder, target: folderInside }],
    differences: [
      ...["host name", "user", "umask", "environment", "locale", "time zone"],
      ...(inside === undefined ? [] : ["clock", "order of files"]),
      `number of jobs (${jobs})`,
    ],
  };
}

/** @returns the path inside the sandbox; undefined where the root has no compiler */
async function makePreloaded(root: string, folder: string): Promise<string | undefined> {
  if (!(await pathExists(path.join(root, "usr/bin/gcc")))) return undefined;
  await mkdir(folder, { recursive: true });
  const library = `${folderInside}/surroundings.so`;
  await runInSandbox(
    { root, mounts: [{ source: folder, target: folderInside, writable: true }] },
    ["gcc", "-O1", "-shared", "-fPIC", "-o", library, "-x", "c", "-", "-ldl"],
    { step: "another clock and order of files", input: await readFile(preloadedCode, "utf8") },
  );
  return library;
}
