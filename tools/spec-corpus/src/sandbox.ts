import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** A command that may read the machine, but change nothing and reach no network. */
const walls = [
  ...["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run", "--tmpfs", "/var/tmp"],
  ...["--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--chdir", "/"],
  ...["--clearenv", "--setenv", "PATH", "/usr/bin:/bin:/usr/sbin:/sbin"],
  ...["--setenv", "HOME", "/root", "--setenv", "LC_ALL", "C.UTF-8", "--setenv", "TZ", "UTC"],
];

const program = "/usr/bin/bwrap";

/** Mounts the system to run in; another system than the machine's own sees the machine's /tmp. */
function rootOf(system: string): readonly string[] {
  const root = ["--ro-bind", system, "/"];
  return system === "/" ? root : [...root, "--ro-bind", "/tmp", "/tmp"];
}

export interface CommandResult {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program of a spec's judge; at most `timeoutMs`, after which there is no answer but an error. */
export async function runSandboxed(
  system: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<CommandResult> {
  const child = spawn(program, [...rootOf(system), ...walls, ...command], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  if (code === null) throw new Error(`${command.join(" ")} was killed, or took ${timeoutMs} ms`);
  return {
    status: code,
    output: decode(Buffer.concat(output)),
    errors: decode(Buffer.concat(errors)),
  };
}

/** As rpm-parser reads bytes: UTF-8, or Latin-1 where they are not. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}

interface ShellOutcome {
  readonly output: string;
  readonly status: number;
}

const shellResults = new Map<string, ShellOutcome>();

/** The output and exit status of a shell command of a spec; the same command is run once. */
export function runShell(system: string, command: string): ShellOutcome {
  const known = shellResults.get(command);
  if (known !== undefined) return known;
  const result = spawnSync(program, [...rootOf(system), ...walls, "/bin/sh", "-c", command], {
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 10_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  const output = decode(result.stdout ?? Buffer.alloc(0));
  const outcome = { output, status: result.status ?? 1 };
  shellResults.set(command, outcome);
  return outcome;
}
