import path from "node:path";
import { run } from "@cleanroom/core";

/** What the real rpmspec says of a spec. */
export interface Verdict {
  readonly isAccepted: boolean;
  readonly errors: string;
  readonly buildRequires: readonly string[];
  readonly requires: readonly string[];
}

/** A spec may run any command while it is read: it may look at the machine, and change nothing. */
const walls = [
  ...["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/run"],
  ...["--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--chdir", "/"],
];

const timeoutMs = 60_000;
const anyExitCode = Array.from({ length: 256 }, (_, code) => code);

/**
 * Asks rpmspec what a spec's packages require and what building it requires.
 *
 * @param sources the folder of the spec as it came, where files that it reads are
 */
export async function askRpmspec(file: string, sources: string): Promise<Verdict> {
  const ask = async (...query: readonly string[]): Promise<[string[], string, number]> => {
    const command = ["rpmspec", "--define", `_sourcedir ${sources}`, "-q", ...query, file];
    const { stdout, stderr, exitCode } = await run("bwrap", [...walls, ...command], {
      accept: anyExitCode,
      timeoutMs,
      step: path.basename(file),
    });
    return [stdout.split("\n").filter((line) => line !== ""), stderr, exitCode];
  };
  const [requires, errors, exitCode] = await ask("--requires");
  if (exitCode !== 0) return { isAccepted: false, errors, buildRequires: [], requires: [] };
  const [buildRequires, buildErrors, buildExitCode] = await ask("--buildrequires");
  return { isAccepted: buildExitCode === 0, errors: buildErrors, buildRequires, requires };
}
