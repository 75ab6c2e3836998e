import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  CommandError,
  runInSandbox,
  type Sandbox,
  sandboxPath,
  sha256File,
  type Store,
} from "@cleanroom/core";
import type { StackPackage } from "@cleanroom/spec-strip";
import type { CompilerCache } from "./compiler-cache.ts";
import { errorLines } from "./error-lines.ts";
import { macroFileText } from "./macro-file.ts";
import type { SourceInput } from "./sources.ts";
import type { Surroundings } from "./surroundings.ts";

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
  /** Other than the usual ones; no output may show them. */
  readonly surroundings?: Surroundings;
  /** What rpmbuild is to do; the RPMs when absent. */
  readonly task?: RpmbuildTask | undefined;
  /** Compiler jobs at once; as many as processors when absent. */
  readonly jobs?: number | undefined;
}

/**
 * `check`: install and test what is built, and make no packages. `source`: the source package, in
 * the folder's `SRPMS`. `rebuild`: the RPMs, from a source package in the folder.
 */
export type RpmbuildTask = "check" | "source" | { readonly rebuild: string };

/** What a build made. */
export interface RpmbuildResult {
  /** Names of the RPMs in the folder's `RPMS`, sorted. */
  readonly files: readonly string[];
  /** Of rpmbuild alone. */
  readonly durationMs: number;
  /** The most memory that the build was seen to take. */
  readonly peakMemoryBytes: number;
}

/**
 * Lays out the work folder of a build and describes its sandbox: no network, an unprivileged
 * user, the root read-only, and the work folder as the only thing that can be written.
 */
export async function prepareSandbox(store: Store, request: RpmbuildRequest): Promise<Sandbox> {
  const { entry, folder, compilerCache, surroundings } = request;
  for (const name of ["SPECS", "SOURCES", "BUILD", "RPMS", "SRPMS", "home"]) {
    await mkdir(path.join(folder, name));
  }
  // As the user's own macro file too: for a noarch package rpmbuild reads its files again, and
  // forgets what was given with --load. That one has the last word otherwise, over rpmrc's flags.
  for (const name of ["macros", "home/.rpmmacros"]) {
    await writeFile(path.join(folder, name), macroFileText(request.macros));
  }
  // A source package brings its own.
  if (typeof request.task !== "object") {
    await writeFile(path.join(folder, "SPECS", `${entry.name}.spec`), entry.spec);
    await placeSources(store, request);
  }
  return {
    root: request.root,
    ...(surroundings && { hostName: surroundings.hostName, uid: surroundings.uid }),
    mounts: [
      { source: folder, target: buildFolder, writable: true },
      ...(compilerCache?.mounts ?? []),
      ...(surroundings?.mounts ?? []),
    ],
    cwd: buildFolder,
    env: {
      HOME: `${buildFolder}/home`,
      USER: "builder",
      LOGNAME: "builder",
      ...(compilerCache && { PATH: `${compilerCache.binaries}:${sandboxPath}` }),
      ...surroundings?.env,
    },
  };
}

/** The command that builds the packages of a prepared sandbox. */
export function rpmbuildCommand(request: RpmbuildRequest): string[] {
  const { entry, surroundings, task } = request;
  const [mode, input] =
    typeof task === "object"
      ? ["--rebuild", task.rebuild]
      : [task === "check" ? "-bi" : task === "source" ? "-bs" : "-bb", `SPECS/${entry.name}.spec`];
  const jobs = surroundings?.jobs ?? request.jobs;
  return [
    ...(surroundings === undefined
      ? []
      : ["sh", "-c", `umask ${surroundings.umask}; exec "$@"`, "sh"]),
    // No --target, for the same reason: a build root is of the architecture that it builds for.
    ...["rpmbuild", mode, "--load", `${buildFolder}/macros`],
    ...[
      `_topdir ${buildFolder}`,
      `_rpmdir ${buildFolder}/RPMS`,
      "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
      "_dbpath /usr/lib/sysimage/rpm",
      ...(jobs === undefined ? [] : [`_smp_build_ncpus ${jobs}`]),
    ].flatMap((definition) => ["--define", definition]),
    `${buildFolder}/${input}`,
  ];
}

/**
 * Runs rpmbuild in the build root.
 *
 * @throws {CleanroomError} `build-failed` with the lines of the log that say why
 */
export async function rpmbuild(store: Store, request: RpmbuildRequest): Promise<RpmbuildResult> {
  const { entry, folder } = request;
  const sandbox = await prepareSandbox(store, request);
  try {
    const { peakMemoryBytes, durationMs } = await runInSandbox(sandbox, rpmbuildCommand(request), {
      step: `${entry.name}: rpmbuild`,
      logFile: request.logFile,
      measuresMemory: true,
    });
    const files = (await readdir(path.join(folder, "RPMS"))).toSorted();
    return { files, peakMemoryBytes, durationMs };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "command-failed") throw error;
    throw await buildFailure(request, error);
  }
}

/** Lines of a log in an error message. */
const quotedLines = 15;

async function buildFailure(
  { entry, logFile }: RpmbuildRequest,
  { signalName, commandExitCode }: CommandError,
): Promise<CleanroomError> {
  const log = await readFile(logFile, "utf8");
  const how =
    signalName === undefined ? `exited with ${commandExitCode}` : `was ended by ${signalName}`;
  const lines = errorLines(log, quotedLines).map((line) => `    ${line}`);
  return new CleanroomError("build-failed", [`rpmbuild ${how}:`, ...lines].join("\n"), {
    place: { step: `${entry.name}: rpmbuild` },
    logFile,
    hint: failureHint(log, entry.name, signalName),
  });
}

/** What to do next, where the log shows that the machine and not the package is to blame. */
function failureHint(log: string, name: string, signalName: string | undefined): string {
  if (/No space left on device|Disk quota exceeded/.test(log)) {
    return "the store's disk, or memory (the build's /tmp is in it), is full: free some, and run it again";
  }
  if (signalName === "SIGKILL" || /\bKilled\b|out of memory|Cannot allocate memory/i.test(log)) {
    return "the machine's memory was used up, as it seems: `dmesg` tells; --parallel 1 --jobs 1 takes less";
  }
  return `./cleanroom rpm shell ${name} opens its build root`;
}

async function placeSources(store: Store, request: RpmbuildRequest): Promise<void> {
  for (const { file, origin, sha256 } of request.sources) {
    const target = path.join(request.folder, "SOURCES", file);
    if ("blob" in origin) {
      await store.materialize(sha256, target);
    } else {
      await copyFile(origin.local, target);
      await chmod(target, 0o644);
      if ((await sha256File(target)) === sha256) continue;
      throw new CleanroomError("source-changed", `${file} was written to meanwhile`, {
        place: { file: origin.local },
        hint: "run the command again: what was planned is not what is there now",
      });
    }
  }
}
