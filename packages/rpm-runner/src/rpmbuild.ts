import { chmod, copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  runInSandbox,
  type Sandbox,
  sandboxPath,
  type Store,
} from "@cleanroom/core";
import type { StackPackage } from "@cleanroom/spec-strip";
import type { CompilerCache } from "./compiler-cache.ts";
import { macroFileText } from "./macro-file.ts";
import type { SourceInput } from "./sources.ts";

/** Where every build happens: one path for all, so that none can be told from its output. */
const buildFolder = "/builddir";

/** One rpmbuild run. */
export interface RpmbuildRequest {
  readonly entry: StackPackage;
  readonly sources: readonly SourceInput[];
  readonly macros: Readonly<Record<string, string>>;
  /** Host folder of the build root. */
  readonly root: string;
  /** Host folder to work in; the RPMs are in its `RPMS` afterwards. */
  readonly folder: string;
  readonly logFile: string;
  readonly compilerCache?: CompilerCache | undefined;
  /** Surroundings other than the usual, which no output may show. */
  readonly variation?: BuildVariation;
}

/** What may differ between machines that build the same. */
export interface BuildVariation {
  /** Such as `077`. */
  readonly umask: string;
  /** Compiler jobs at once. */
  readonly jobs: number;
}

/**
 * Lays out the work folder of a build and describes its sandbox: no network, an unprivileged
 * user, the root read-only, and the work folder as the only thing that can be written.
 */
export async function prepareSandbox(store: Store, request: RpmbuildRequest): Promise<Sandbox> {
  const { entry, folder, compilerCache } = request;
  for (const name of ["SPECS", "SOURCES", "BUILD", "RPMS", "SRPMS", "home"]) {
    await mkdir(path.join(folder, name));
  }
  await writeFile(path.join(folder, "SPECS", `${entry.name}.spec`), entry.spec);
  // As the user's own macro file too: for a noarch package rpmbuild reads its files again, and
  // forgets what was given with --load. That one has the last word otherwise, over rpmrc's flags.
  for (const name of ["macros", "home/.rpmmacros"]) {
    await writeFile(path.join(folder, name), macroFileText(request.macros));
  }
  await placeSources(store, request);
  return {
    root: request.root,
    mounts: [
      { source: folder, target: buildFolder, writable: true },
      ...(compilerCache?.mounts ?? []),
    ],
    cwd: buildFolder,
    env: {
      HOME: `${buildFolder}/home`,
      USER: "builder",
      LOGNAME: "builder",
      ...(compilerCache && { PATH: `${compilerCache.binaries}:${sandboxPath}` }),
    },
  };
}

/** The command that builds the binary packages of a prepared sandbox. */
export function rpmbuildCommand({ entry, variation }: RpmbuildRequest): string[] {
  return [
    ...(variation === undefined ? [] : ["sh", "-c", `umask ${variation.umask}; exec "$@"`, "sh"]),
    // No --target, for the same reason: a build root is of the architecture that it builds for.
    ...["rpmbuild", "-bb", "--load", `${buildFolder}/macros`],
    ...[
      `_topdir ${buildFolder}`,
      `_rpmdir ${buildFolder}/RPMS`,
      "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
      "_dbpath /usr/lib/sysimage/rpm",
      ...(variation === undefined ? [] : [`_smp_build_ncpus ${variation.jobs}`]),
    ].flatMap((definition) => ["--define", definition]),
    `${buildFolder}/SPECS/${entry.name}.spec`,
  ];
}

/**
 * Runs `rpmbuild -bb` in the build root.
 *
 * @returns names of the RPMs in the folder's `RPMS`, sorted
 * @throws {CleanroomError} `build-failed` with the end of the log
 */
export async function rpmbuild(store: Store, request: RpmbuildRequest): Promise<string[]> {
  const { entry, folder } = request;
  const sandbox = await prepareSandbox(store, request);
  try {
    await runInSandbox(sandbox, rpmbuildCommand(request), {
      step: `${entry.name}: rpmbuild`,
      logFile: request.logFile,
    });
  } catch (error) {
    if (!(error instanceof CleanroomError) || error.code !== "command-failed") throw error;
    throw new CleanroomError("build-failed", error.message, {
      place: { step: `${entry.name}: rpmbuild` },
      logFile: request.logFile,
      hint: `./cleanroom rpm shell ${entry.name} opens its build root`,
    });
  }
  return (await readdir(path.join(folder, "RPMS"))).toSorted();
}

async function placeSources(store: Store, request: RpmbuildRequest): Promise<void> {
  for (const { file, origin, sha256 } of request.sources) {
    const target = path.join(request.folder, "SOURCES", file);
    if ("blob" in origin) {
      await store.materialize(sha256, target);
    } else {
      await copyFile(origin.local, target);
      await chmod(target, 0o644);
    }
  }
}
