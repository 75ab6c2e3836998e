import { createWriteStream } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { Readable } from "node:stream";
import type * as Execa from "execa";
import type { Options, ResultPromise } from "execa";
import { CleanroomError, type ErrorDetail } from "./error.ts";
import { sessionMemoryBytes } from "./memory.ts";

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment of the command: nothing of the caller's leaks in. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text or bytes for standard input, or pieces as they come; without it standard input is empty. */
  readonly input?: string | Uint8Array | AsyncIterable<string>;
  /** Called once the command has been given all its input: it can be left to itself from now on. */
  readonly onInputWritten?: () => void;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Both outputs go to this file as they come, besides being captured. */
  readonly logFile?: string;
  /** Looks at times how much memory the command takes, for `peakMemoryBytes`. */
  readonly measuresMemory?: boolean;
  /** The terminal is handed to the command; nothing is captured. */
  readonly interactive?: boolean;
  /** The command ends by itself once this process is gone, and not before. */
  readonly outlives?: boolean;
  /** What a failure is called in messages, such as `glib2: rpmbuild`. */
  readonly step?: string;
  /** Exit codes that are not a failure; `[0]` when absent. */
  readonly accept?: readonly number[];
  readonly hint?: string;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly durationMs: number;
  /** The most memory that the command and all that it started were seen to take; 0 unmeasured. */
  readonly peakMemoryBytes: number;
}

/** A command that could not be started, failed, was killed or took too long. */
export class CommandError extends CleanroomError {
  readonly command: string;
  readonly commandExitCode: number | undefined;
  readonly signalName: string | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    code: "command-failed" | "command-missing" | "command-timeout" | "interrupted",
    message: string,
    facts: Pick<CommandError, "command" | "commandExitCode" | "signalName" | "stdout" | "stderr">,
    detail: ErrorDetail,
  ) {
    super(code, message, detail);
    this.command = facts.command;
    this.commandExitCode = facts.commandExitCode;
    this.signalName = facts.signalName;
    this.stdout = facts.stdout;
    this.stderr = facts.stderr;
  }
}

/** A started command: its end, and its standard input. */
export interface StartedCommand {
  /** Settles when the command has ended, whatever its exit code. */
  readonly ended: Promise<CommandResult>;
  /** The first bytes on standard output; rejects when the command ends without any. */
  readonly firstOutput: Promise<void>;
  endInput(): void;
  /** Ends it with all that it has started. */
  kill(): void;
}

/** Compilers and linkers hold their peaks for longer. */
const memoryIntervalMs = 500;

/** How much of the end of a failed command's output goes into the error message. */
const quotedLines = 15;

const liveGroups = new Set<number>();

/** Kills every process group that `run` and `start` have under way; for the end of the program. */
export function killAllCommands(): void {
  for (const pid of liveGroups) killGroup(pid);
}

let isInterrupted = false;

/**
 * Ends all commands and starts no others: each `run`, under way or to come, fails with
 * `interrupted`, so that whoever waits for one puts away what is half-made.
 */
export function interruptCommands(): void {
  isInterrupted = true;
  killAllCommands();
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended already.
  }
}

/**
 * Runs a command and ends its whole process group when this process is gone, however it goes. The
 * other end of file 3 is ours alone, and the kernel closes it with us: the watcher then reads an
 * end, whenever it comes to read. A signal at the parent's death (prctl(2), `--die-with-parent`)
 * has a gap in which nothing is armed yet; this has none.
 */
const leash = `exec 4<&0 </dev/null
"$@" <&4 3<&- 4<&- &
command=$!
exec 4<&-
{ read -r end <&3; kill -9 0; } >/dev/null 2>&1 &
watcher=$!
exec 3<&- 2>/dev/null
wait "$command"
status=$?
kill -9 "$watcher"
exit "$status"`;

const require = createRequire(import.meta.url);

/** Loaded with the first command: many runs need none, and it would be a quarter of their start. */
function loadExeca(): typeof Execa {
  return require("execa") as typeof Execa;
}

function launch(
  file: string,
  args: readonly string[],
  options: CommandOptions,
  stdin: "ignore" | "pipe",
): ResultPromise {
  const { execa } = loadExeca();
  const shared = {
    cwd: options.cwd ?? process.cwd(),
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...options.env },
    extendEnv: options.env === undefined,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 256 * 1024 * 1024,
  } as const;
  if (options.interactive === true) return execa(file, args, { ...shared, stdio: "inherit" });
  // A process group of its own, so that the whole tree can be ended at once.
  const apart = { ...shared, detached: true } as const;
  if (options.outlives === true) return execa(file, args, { ...apart, stdin });
  const { input } = options;
  const leashed: Options = {
    ...apart,
    stdio: [input === undefined ? stdin : "pipe", "pipe", "pipe", "pipe"],
    ...(input === undefined ? {} : { input: inputOf(input) }),
  };
  return execa("sh", ["-c", leash, "leash", file, ...args], leashed);
}

function inputOf(input: NonNullable<CommandOptions["input"]>): string | Uint8Array | Readable {
  if (typeof input === "string") return input;
  return input instanceof Uint8Array ? Buffer.from(input) : Readable.from(input);
}

/**
 * Runs a command to its end and captures its output. This is the only way Cleanroom starts a
 * process that it waits for.
 *
 * @throws {CommandError} `command-missing`, `command-failed`, `command-timeout`, `interrupted`
 */
export async function run(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  if (isInterrupted) {
    throw new CleanroomError("interrupted", "interrupted", {
      place: { step: options.step ?? file },
      exitCode: 130,
    });
  }
  const startedMs = performance.now();
  const child = launch(file, args, options, "ignore");
  const pid = child.pid;
  if (options.onInputWritten !== undefined) child.stdin?.once("finish", options.onInputWritten);
  if (pid !== undefined && options.interactive !== true) liveGroups.add(pid);
  const end = (): void => {
    if (pid !== undefined) killGroup(pid);
  };
  let timedOut = false;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, options.timeoutMs);
  let peakMemoryBytes = 0;
  const measure = (): void => {
    peakMemoryBytes = Math.max(peakMemoryBytes, sessionMemoryBytes(pid ?? 0));
  };
  const measuring =
    options.measuresMemory === true ? setInterval(measure, memoryIntervalMs) : undefined;
  options.signal?.addEventListener("abort", end, { once: true });
  if (options.signal?.aborted === true) end();
  const log = options.logFile === undefined ? undefined : createWriteStream(options.logFile);
  if (log !== undefined) {
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
  }
  const result = await child;
  if (log !== undefined) {
    await new Promise<void>((resolve, reject) => {
      log.once("error", reject);
      log.end(resolve);
    });
  }
  clearTimeout(timer);
  clearInterval(measuring);
  options.signal?.removeEventListener("abort", end);
  if (pid !== undefined) {
    // What a command left behind in its group would go on writing: it ends with the command.
    if (options.interactive !== true) killGroup(pid);
    liveGroups.delete(pid);
  }
  const stdout = typeof result.stdout === "string" ? result.stdout : "";
  const stderr = typeof result.stderr === "string" ? result.stderr : "";
  const exitCode = result.exitCode ?? -1;
  if (
    !timedOut &&
    options.signal?.aborted !== true &&
    (options.accept ?? [0]).includes(exitCode) &&
    !isMissing(file, exitCode, stderr)
  ) {
    return { stdout, stderr, exitCode, durationMs: performance.now() - startedMs, peakMemoryBytes };
  }
  throw commandError(file, args, options, {
    timedOut,
    exitCode: result.exitCode,
    signal: result.signal,
    cause: result.exitCode === undefined && result.signal === undefined ? result.cause : undefined,
    stdout,
    stderr,
  });
}

/** The shell's own words for a program that is not there. */
function isMissing(file: string, exitCode: number, stderr: string): boolean {
  return (
    exitCode === 127 &&
    stderr
      .split("\n")
      .some(
        (line) => line.startsWith("leash: ") && line.includes(`${file}: `) && / [Nn]o/.test(line),
      )
  );
}

/** The shell's exit code for a command that a signal ended is 128 and the signal's number. */
function signalOf(exitCode: number | undefined): string | undefined {
  if (exitCode === undefined || exitCode <= 128) return undefined;
  return Object.entries(constants.signals).find(([, number]) => number === exitCode - 128)?.[0];
}

function commandError(
  file: string,
  args: readonly string[],
  options: CommandOptions,
  end: {
    timedOut: boolean;
    exitCode: number | undefined;
    signal: string | undefined;
    cause: unknown;
    stdout: string;
    stderr: string;
  },
): CommandError {
  const command = [file, ...args].map(quoteArgument).join(" ");
  const signal = end.signal ?? signalOf(end.exitCode);
  const facts = {
    command,
    commandExitCode: end.exitCode,
    signalName: signal,
    stdout: end.stdout,
    stderr: end.stderr,
  };
  const detail: ErrorDetail = {
    place: { step: options.step ?? file },
    hint: options.hint,
    logFile: options.logFile,
    cause: end.cause,
  };
  if (options.signal?.aborted === true || isInterrupted) {
    return new CommandError("interrupted", `${file} was interrupted`, facts, {
      ...detail,
      exitCode: 130,
    });
  }
  if (isMissing(file, end.exitCode ?? -1, end.stderr) || end.cause !== undefined) {
    return new CommandError("command-missing", `${file} could not be started`, facts, {
      ...detail,
      hint: options.hint ?? `./cleanroom doctor says what this machine lacks`,
    });
  }
  if (end.timedOut) {
    const seconds = Math.round((options.timeoutMs ?? 0) / 1000);
    return new CommandError("command-timeout", `${file} took over ${seconds} s`, facts, detail);
  }
  const how = signal === undefined ? `exited with ${end.exitCode}` : `was ended by ${signal}`;
  const output = lastLines(end.stderr.trim() === "" ? end.stdout : end.stderr);
  return new CommandError(
    "command-failed",
    `${file} ${how}${output === "" ? "" : `:\n${output}`}`,
    facts,
    detail,
  );
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines
    .slice(-quotedLines)
    .map((line) => `    ${line}`)
    .join("\n")
    .trimEnd();
}

function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Starts a command that goes on in the background: a lock holder, or a server. */
export function start(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): StartedCommand {
  const startedMs = performance.now();
  const child = launch(file, args, options, "pipe");
  const { pid } = child;
  if (pid === undefined) {
    throw new CleanroomError("command-missing", `${file} could not be started`, {
      place: { step: options.step ?? file },
    });
  }
  if (options.outlives !== true) liveGroups.add(pid);
  const ended = child.then((result) => {
    if (liveGroups.delete(pid)) killGroup(pid);
    return {
      stdout: typeof result.stdout === "string" ? result.stdout : "",
      stderr: typeof result.stderr === "string" ? result.stderr : "",
      exitCode: result.exitCode ?? -1,
      durationMs: performance.now() - startedMs,
      peakMemoryBytes: 0,
    };
  });
  const firstOutput = new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    void ended.then(({ exitCode, stderr }) =>
      reject(
        new CleanroomError("command-failed", `${file} exited with ${exitCode}: ${stderr.trim()}`, {
          place: { step: options.step ?? file },
        }),
      ),
    );
  });
  // Whoever does not wait for the first output must not be ended by its rejection.
  firstOutput.catch(() => undefined);
  return {
    ended,
    firstOutput,
    endInput: () => child.stdin?.end(),
    kill: () => killGroup(pid),
  };
}

/**
 * A short command's standard output, with nothing else going on until it has ended; for code that
 * cannot wait. It has no input, and its exit code counts for nothing.
 */
export function runToEnd(file: string, args: readonly string[], timeoutMs: number): string {
  const { stdout } = loadExeca().execaSync(file, args, {
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    stdio: ["ignore", "pipe", "ignore"],
    reject: false,
    stripFinalNewline: false,
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}
