import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { defaultStoreFolder, sha256File, start } from "@cleanroom/core";
import type { Workspace } from "../../e2e/workspace.ts";

/** What was found after all kills. */
export interface KillReport {
  /** Kills after which the next run made what an undisturbed one makes. */
  readonly same: number;
  /** Processes that mention the workspace, and half-made folders in its `dist` and in the store. */
  readonly left: number;
}

/**
 * Builds a workspace's packages again and again, each time ended by SIGKILL at a random moment, and
 * then once undisturbed. Every time all of them have to be built anew, and come out the same.
 */
export async function killAtRandom(workspace: Workspace, moments: number): Promise<KillReport> {
  const whole = await buildAnew(workspace);
  const expected = await outputs(workspace);
  let same = 0;
  for (let moment = 0; moment < moments; moment += 1) {
    await markSpecs(workspace);
    const running = start(workspace.path("cleanroom"), ["rpm", "build", "--quiet"], {
      cwd: workspace.folder,
    });
    await setTimeout(Math.random() * whole);
    running.kill();
    await running.ended;
    while ((await processesOf(workspace.folder)).length > 0) await setTimeout(10);
    const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build", "--quiet"]);
    if (exitCode === 0 && (await outputs(workspace)) === expected) same += 1;
    else process.stderr.write(`after kill ${moment + 1}: ${stderr}\n`);
  }
  const running = (await processesOf(workspace.folder)).map(({ line }) => line);
  const left = [...running, ...(await halfMade(workspace))];
  for (const one of left) process.stderr.write(`left: ${one}\n`);
  return { same, left: left.length };
}

/** @returns the time that it took, in milliseconds */
async function buildAnew(workspace: Workspace): Promise<number> {
  await markSpecs(workspace);
  const { exitCode, stderr, durationMs } = await workspace.cleanroom(["rpm", "build", "--quiet"]);
  if (exitCode !== 0) throw new Error(stderr);
  return durationMs;
}

/** Makes specs that no store has built, and that make the same packages. */
async function markSpecs(workspace: Workspace): Promise<void> {
  for (const name of await readdir(workspace.path("specs/rpm"))) {
    await workspace.edit(`specs/rpm/${name}/${name}.spec`, (text) => {
      const rest = text.replace(/^%global killed .*\n/, "");
      return `%global killed ${randomUUID()}\n${rest}`;
    });
  }
}

/** Names and digests of all packages in a workspace's `dist`. */
async function outputs(workspace: Workspace): Promise<string> {
  const files = await readdir(workspace.path("dist/rpms"), { recursive: true });
  const lines = await Promise.all(
    files
      .filter((file) => file.endsWith(".rpm"))
      .toSorted()
      .map(async (file) => `${await sha256File(workspace.path("dist/rpms", file))}  ${file}`),
  );
  return lines.join("\n");
}

/** Processes whose command line mentions a folder. */
export async function processesOf(
  folder: string,
): Promise<readonly { readonly pid: number; readonly line: string }[]> {
  const found: { pid: number; line: string }[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const line = await readFile(path.join("/proc", pid, "cmdline"), "utf8").catch(() => "");
    if (line.includes(folder)) found.push({ pid: Number(pid), line: line.replaceAll("\0", " ") });
  }
  return found;
}

/** Temporary files of this machine's processes that are no more. */
export async function halfMade(workspace: Workspace): Promise<string[]> {
  const folders = [path.join(defaultStoreFolder(process.env), "tmp"), workspace.path("dist/rpms")];
  const found: string[] = [];
  for (const folder of folders) {
    for (const name of await readdir(folder)) {
      const pid = /\.\d+-(\d+)\.[0-9a-f]{12}$/.exec(name)?.[1];
      if (pid === undefined) continue;
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") X");
      if (/\) [ZX]/.test(stat)) found.push(path.join(folder, name));
    }
  }
  return found;
}
