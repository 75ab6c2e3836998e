import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  CommandError,
  type Mount,
  pathExists,
  runInSandbox,
  type Sandbox,
  sandboxPath,
  sha256File,
  type Store,
} from "@cleanroom/core";
import { rpmDatabasePath } from "@cleanroom/rootfs";
import type { StackPackage } from "@cleanroom/spec-strip";
import type { CompilerCache } from "./compiler-cache.ts";
import { errorLines } from "./error-lines.ts";
import { macroFileText } from "./macro-file.ts";
import type { SourceInput } from "./sources.ts";
import type { Surroundings } from "./surroundings.ts";

/** Where every build happens: one path for all, so that none can be told from its output. */
const buildFolder = "/builddir";

/** Where rpm writes the scripts of a build that somebody may look at when it has failed. */
const scriptFolder = `${buildFolder}/scripts`;

/** rpm in a shell there shall find them too. */
const ownMacros = { _dbpath: rpmDatabasePath };

/** One rpmbuild run. */
export interface RpmbuildRequest {
  readonly entry: StackPackage;
  readonly sources: readonly SourceInput[];
  readonly macros: Readonly<Record<string, string>>;
  /** Host folder of the build root. */
  readonly root: string;
  /** Until then nothing of the root is opened: from then on, somebody watches what is. */
  readonly isWatched?: Promise<unknown> | undefined;
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
  /** Called where a build has failed, while all that it made is still there. */
  readonly atFailure?: AtFailure | undefined;
}

/** Looks at a build that has failed: in its sandbox, in the folder where it stopped. */
export type AtFailure = (failed: {
  readonly name: string;
  readonly error: CleanroomError;
  readonly sandbox: Sandbox;
  /** What was run. */
  readonly command: readonly string[];
  /** The script of the step that failed, as rpm wrote it; a path inside the sandbox. */
  readonly script: string | undefined;
}) => Promise<void>;

/**
 * `check`: install and test what is built, and make no packages. `source`: the source package, in
 * the folder's `SRPMS`. `rebuild`: the RPMs, from a source package in the folder. `prepare`: `%prep`
 * alone. `resume`: the RPMs, in a folder where `%prep` has run.
 */
export type RpmbuildTask = "check" | "source" | "prepare" | "resume" | { readonly rebuild: string };

const modes = {
  check: ["-bi"],
  source: ["-bs"],
  prepare: ["-bp"],
  resume: ["-bb", "--noprep", "--noclean"],
} as const;

/** What a build made. */
export interface RpmbuildResult {
  /** Names of the RPMs in the folder's `RPMS`, sorted. */
  readonly files: readonly string[];
  /** Of rpmbuild alone. */
  readonly durationMs: number;
  /** The most memory that the build was seen to take. */
  readonly peakMemoryBytes: number;
}

/** Who builds, unless a build is to see something else. */
const usualUser: Pick<Surroundings, "uid" | "env"> = {
  uid: 1000,
  env: { USER: "builder", LOGNAME: "builder" },
};

/** Languages whose hash tables are in another order each time, unless they are told otherwise. */
const hashSeeds = { PYTHONHASHSEED: "0", PERL_HASH_SEED: "0" };

/**
 * The root's accounts with that of the builder, whom programs look up: a message bus has no place
 * for a user without a name.
 */
async function accountMounts(
  { root, folder }: RpmbuildRequest,
  uid: number,
  name: string,
): Promise<Mount[]> {
  const own = {
    passwd: `${name}:x:${uid}:${uid}::${buildFolder}/home:/bin/sh\n`,
    group: `${name}:x:${uid}:\n`,
  };
  const mounts: Mount[] = [];
  for (const [file, line] of Object.entries(own)) {
    const original = path.join(root, "etc", file);
    if (!(await pathExists(original))) continue;
    const source = path.join(folder, file);
    await writeFile(source, `${await readFile(original, "utf8")}${line}`);
    mounts.push({ source, target: `/etc/${file}` });
  }
  return mounts;
}

/**
 * Lays out the work folder of a build and describes its sandbox: no network, an unprivileged
 * user, the root read-only, and the work folder as the only thing that can be written.
 */
export async function prepareSandbox(store: Store, request: RpmbuildRequest): Promise<Sandbox> {
  const { entry, folder, compilerCache, surroundings } = request;
  for (const name of ["SPECS", "SOURCES", "BUILD", "RPMS", "SRPMS", "home"]) {
    await mkdir(path.join(folder, name), { recursive: true });
  }
  // As the user's own macro file too: for a noarch package rpmbuild reads its files again, and
  // forgets what was given with --load. That one has the last word otherwise, over rpmrc's flags.
  for (const name of ["macros", "home/.rpmmacros"]) {
    await writeFile(path.join(folder, name), macroFileText({ ...request.macros, ...ownMacros }));
  }
  // A source package brings its own.
  if (typeof request.task !== "object") {
    await writeFile(path.join(folder, "SPECS", `${entry.name}.spec`), entry.spec);
    await placeSources(store, request);
  }
  await request.isWatched;
  const { uid, env } = surroundings ?? usualUser;
  return {
    root: request.root,
    uid,
    ...(surroundings && { hostName: surroundings.hostName }),
    mounts: [
      { source: folder, target: buildFolder, writable: true },
      ...(await accountMounts(request, uid, env["USER"] ?? "builder")),
      ...(compilerCache?.mounts ?? []),
      ...(surroundings?.mounts ?? []),
    ],
    cwd: buildFolder,
    env: {
      HOME: `${buildFolder}/home`,
      ...hashSeeds,
      ...(compilerCache && { PATH: `${compilerCache.binaries}:${sandboxPath}` }),
      ...env,
    },
  };
}

/** The command that builds the packages of a prepared sandbox. */
export function rpmbuildCommand(request: RpmbuildRequest): string[] {
  const { entry, surroundings, task } = request;
  const [mode, input] =
    typeof task === "object"
      ? [["--rebuild"], task.rebuild]
      : [task === undefined ? ["-bb"] : modes[task], `SPECS/${entry.name}.spec`];
  const jobs = surroundings?.jobs ?? request.jobs;
  return [
    ...(surroundings === undefined
      ? []
      : ["sh", "-c", `umask ${surroundings.umask}; exec "$@"`, "sh"]),
    // No --target, for the same reason: a build root is of the architecture that it builds for.
    ...["rpmbuild", ...mode, "--load", `${buildFolder}/macros`],
    ...[
      `_topdir ${buildFolder}`,
      `_rpmdir ${buildFolder}/RPMS`,
      "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
      ...(jobs === undefined ? [] : [`_smp_build_ncpus ${jobs}`]),
      // Scripts that failed stay there, for whoever wants to run them again.
      ...(request.atFailure === undefined ? [] : [`_tmppath ${scriptFolder}`]),
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
  const command = rpmbuildCommand(request);
  try {
    const { peakMemoryBytes, durationMs } = await runInSandbox(sandbox, command, {
      step: `${entry.name}: rpmbuild`,
      logFile: request.logFile,
      measuresMemory: true,
    });
    const files = (await readdir(path.join(folder, "RPMS"))).toSorted();
    return { files, peakMemoryBytes, durationMs };
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== "command-failed") throw error;
    const failure = await buildFailure(request, error);
    if (request.atFailure !== undefined) {
      const { name } = entry;
      const cwd = await whereItStopped(folder);
      const script = await failedScript(folder);
      const at = { ...sandbox, cwd };
      await request.atFailure({ name, error: failure, sandbox: at, command, script });
    }
    throw failure;
  }
}

/** The folder that holds a build's sources, as far as there is but one way down to it. */
async function whereItStopped(folder: string): Promise<string> {
  let inside = "BUILD";
  for (;;) {
    const entries = await readdir(path.join(folder, inside), { withFileTypes: true });
    // rpm's own, beside the sources (since 4.20).
    const own = entries.filter(({ name }) => name !== "BUILDROOT" && name !== "SPECPARTS");
    const [only, ...others] = own;
    if (only?.isDirectory() !== true || others.length > 0) return `${buildFolder}/${inside}`;
    inside = path.join(inside, only.name);
  }
}

/** rpm removes a step's script when the step ends well. */
async function failedScript(folder: string): Promise<string | undefined> {
  const scripts = await readdir(path.join(folder, "scripts")).catch(() => []);
  const script = scripts.find((name) => name.startsWith("rpm-tmp."));
  return script === undefined ? undefined : `${scriptFolder}/${script}`;
}

/** Lines of a log in an error message. */
const quotedLines = 15;

async function buildFailure(
  request: RpmbuildRequest,
  { signalName, commandExitCode }: CommandError,
): Promise<CleanroomError> {
  const { entry, logFile } = request;
  const log = await readFile(logFile, "utf8");
  const how =
    signalName === undefined ? `exited with ${commandExitCode}` : `was ended by ${signalName}`;
  const lines = errorLines(log, quotedLines).map((line) => `    ${line}`);
  return new CleanroomError("build-failed", [`rpmbuild ${how}:`, ...lines].join("\n"), {
    place: { step: `${entry.name}: rpmbuild` },
    logFile,
    hint: failureHint(log, request, signalName),
  });
}

/** What to do next, where the log shows that the machine and not the package is to blame. */
export function failureHint(
  log: string,
  { entry, task }: Pick<RpmbuildRequest, "entry" | "task">,
  signalName: string | undefined,
): string {
  if (/No space left on device|Disk quota exceeded/.test(log)) {
    return "the store's disk, or memory (the build's /tmp is in it), is full: free some, and run it again";
  }
  if (signalName === "SIGKILL" || /\bKilled\b|[Oo]ut of memory|Cannot allocate memory/.test(log)) {
    return "the machine's memory was used up, as it seems: `dmesg` tells; --parallel 1 --jobs 1 takes less";
  }
  if (task === "prepare" && /previously applied|hunks? FAILED|can't find file to patch/.test(log)) {
    return "--no-patches leaves the spec's patches out, where the checkout has them already";
  }
  return `./cleanroom rpm build ${entry.name} --shell-on-failure opens a shell where it stopped`;
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
