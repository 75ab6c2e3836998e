import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { pathExists } from "./files.ts";
import { type CommandError, run, start } from "./run.ts";

const failureOf = async (promise: Promise<unknown>): Promise<CommandError> =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error: CommandError) => error,
  );

test("both outputs are captured, and the time it took", async () => {
  const { stdout, stderr, exitCode, durationMs } = await run("sh", ["-c", "echo a; echo b >&2"]);
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: "a\n", stderr: "b\n", exitCode: 0 });
  expect(durationMs).toBeGreaterThan(0);
});

test("a failure is typed: the command, its exit code and the end of its output", async () => {
  const error = await failureOf(run("sh", ["-c", "echo why >&2; exit 3"], { step: "try it" }));
  expect(error).toMatchObject({
    code: "command-failed",
    commandExitCode: 3,
    stderr: "why\n",
    command: "sh -c 'echo why >&2; exit 3'",
    place: { step: "try it" },
  });
  expect(error.message).toBe("sh exited with 3:\n    why");
});

test("a program that is not there is told apart from one that fails", async () => {
  expect(await failureOf(run("no-such-program", []))).toMatchObject({ code: "command-missing" });
});

test("exit codes may be expected", async () => {
  expect(await run("sh", ["-c", "exit 4"], { accept: [0, 4] })).toMatchObject({ exitCode: 4 });
});

test("input goes to standard input; without it standard input is empty", async () => {
  expect(await run("cat", [], { input: "text" })).toMatchObject({ stdout: "text" });
  expect(await run("cat", [])).toMatchObject({ stdout: "" });
});

test("the environment given is the whole environment", async () => {
  process.env["LEAK"] = "yes";
  const { stdout } = await run("env", [], { env: { ONLY: "this" } });
  expect(stdout).not.toContain("LEAK");
  expect(stdout).toContain("ONLY=this");
});

test("the log file gets both outputs, whole", async () => {
  const logFile = path.join(await mkdtemp(path.join(tmpdir(), "run-")), "log");
  await run("sh", ["-c", "seq 1 20000; echo end >&2"], { logFile });
  const log = await readFile(logFile, "utf8");
  expect(log.split("\n").length).toBe(20_002);
  expect(log).toContain("end\n");
});

/** Whether a process runs; a zombie has ended. */
const isRunning = async (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, "utf8").then(
    (stat) => !/\) [ZX] /.test(stat),
    () => false,
  );

const gone = async (pid: number): Promise<boolean> => {
  for (let tries = 0; tries < 200 && (await isRunning(pid)); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return !(await isRunning(pid));
};

test("a timeout kills the whole tree", async () => {
  const file = path.join(await mkdtemp(path.join(tmpdir(), "run-")), "pid");
  const script = `sh -c 'echo $$ > ${file}; sleep 1000' & wait`;
  const error = await failureOf(run("sh", ["-c", script], { timeoutMs: 300 }));
  expect(error).toMatchObject({ code: "command-timeout" });
  expect(await gone(Number(await readFile(file, "utf8")))).toBe(true);
});

test("an abort kills the whole tree and says so", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const error = await failureOf(run("sleep", ["1000"], { signal: controller.signal }));
  expect(error).toMatchObject({ code: "interrupted" });
});

test("what a command leaves behind ends with it", async () => {
  const { stdout } = await run("sh", ["-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]);
  expect(await gone(Number(stdout))).toBe(true);
});

/** Processes with a word among their arguments. */
const withArgument = async (word: string): Promise<string[]> => {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => {
      const text = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
      return text.split("\0").includes(word) && (await isRunning(Number(id))) ? [id] : [];
    }),
  );
  return found.flat();
};

test("a command dies with the process that runs it, whenever and however that dies", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "run-"));
  // Milliseconds after the command was started: a sandbox takes some ten until all of it runs.
  for (const afterMs of [0, 1, 2, 4, 6, 8, 10, 15, 25, 60]) {
    const word = `${100_000 + afterMs}`;
    const started = path.join(folder, word);
    const source = `import { writeFileSync } from "node:fs";
      import { run } from ${JSON.stringify(import.meta.resolve("./run.ts"))};
      import { sandboxArguments } from ${JSON.stringify(import.meta.resolve("./sandbox.ts"))};
      const only = ["usr", "bin", "sbin", "lib", "lib64"];
      const args = await sandboxArguments({ root: "/", only });
      const command = run("bwrap", [...args, "sh", "-c", "sleep ${word} & sleep ${word}"]);
      writeFileSync(${JSON.stringify(started)}, String(process.pid));
      await command;`;
    const child = start(process.execPath, ["--input-type=module", "-e", source]);
    while (!(await pathExists(started)) || (await readFile(started, "utf8")) === "") {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    // SIGKILL: nothing in the parent can clean up.
    process.kill(Number(await readFile(started, "utf8")), "SIGKILL");
    await child.ended;
    let left = await withArgument(word);
    for (let tries = 0; tries < 300 && left.length > 0; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      left = await withArgument(word);
    }
    expect(left).toEqual([]);
  }
}, 60_000);

test("a signal's name is told, however deep in a shell it came", async () => {
  expect(await failureOf(run("sh", ["-c", "kill -9 $$"]))).toMatchObject({
    signalName: "SIGKILL",
    message: "sh was ended by SIGKILL",
  });
});

test("memory is measured over all that a command starts", async () => {
  const script = "const b = Buffer.alloc(200e6, 1); setTimeout(() => b, 1200)";
  const args = ["-c", '"$0" -e "$1" & wait', process.execPath, script];
  const { peakMemoryBytes } = await run("sh", args, { measuresMemory: true });
  expect(peakMemoryBytes).toBeGreaterThan(200e6);
});
