// Building a made-up stack: what is rebuilt after which change, how long a run takes that finds
// nothing to do, how long planning does, and what is left after kill -9. Prints a table.
//   node tools/bench/rpm-runner.ts [--packages 60] [--plan 4000] [--kills 30] [--no-build] [--no-nx]
// Needs the user's store (CLEANROOM_STORE) with a base imported; builds the stack there when it is
// not there yet.
import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { CommandResult } from "@cleanroom/core";
import { Workspace } from "../../e2e/workspace.ts";
import { killAtRandom } from "./kill-at-random.ts";
import {
  type SyntheticLibrary,
  syntheticLibraries,
  writeSyntheticSpecs,
} from "./synthetic-specs.ts";

const { values } = parseArgs({
  allowNegative: true,
  options: {
    packages: { type: "string", default: "60" },
    plan: { type: "string", default: "4000" },
    kills: { type: "string", default: "30" },
    build: { type: "boolean", default: true },
    nx: { type: "boolean", default: true },
  },
});

interface Row {
  readonly what: string;
  readonly bar: string;
  readonly found: string;
  readonly holds: boolean;
}

const rows: Row[] = [];

function report(what: string, bar: string, found: string, holds: boolean): void {
  rows.push({ what, bar, found, holds });
  process.stderr.write(`${holds ? "  " : "! "}${what}: ${found} (bar: ${bar})\n`);
}

/** A workspace with a made-up stack in place of the real one. */
async function stackOf(libraries: readonly SyntheticLibrary[]): Promise<Workspace> {
  const workspace = await Workspace.copy();
  for (const kind of ["rpm", "image"]) {
    await rm(workspace.path("specs", kind), { recursive: true, force: true });
  }
  await writeSyntheticSpecs(workspace.path("specs/rpm"), libraries);
  await workspace.git("add", "-A");
  await workspace.commit("a made-up stack");
  return workspace;
}

interface Built {
  readonly name: string;
  readonly how: "built" | "cached" | "cut-off";
  readonly buildMs: number;
}

function checked(result: CommandResult): CommandResult {
  if (result.exitCode === 0) return result;
  throw new Error(`a command failed:\n${result.stderr}\n${result.stdout}`);
}

async function build(workspace: Workspace, ...args: readonly string[]): Promise<readonly Built[]> {
  const { stdout } = checked(
    await workspace.cleanroom(["rpm", "build", "--quiet", "--json", ...args]),
  );
  return JSON.parse(stdout) as readonly Built[];
}

const namesBuilt = (results: readonly Built[]): string[] =>
  results
    .filter(({ how }) => how === "built")
    .map(({ name }) => name)
    .toSorted();

async function medianSeconds(times: number, measure: () => Promise<number>): Promise<number> {
  const found: number[] = [];
  for (let time = 0; time < times; time += 1) found.push((await measure()) / 1000);
  return found.toSorted((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}

function reportTime(what: string, barSeconds: number, seconds: number): void {
  report(what, `${barSeconds} s`, `${seconds.toFixed(2)} s`, seconds <= barSeconds);
}

async function benchBuilds(): Promise<void> {
  const libraries = syntheticLibraries(Number(values.packages));
  const [root, leaf] = [libraries[0], libraries.at(-1)];
  if (root === undefined || leaf === undefined) throw new Error("--packages must be at least 1");
  const workspace = await stackOf(libraries);
  const file = (name: string, ending: string): string => `specs/rpm/${name}/${name}${ending}`;
  const count = libraries.length;
  checked(await workspace.cleanroom(["rpm", "build"]));

  const nothing = async (): Promise<number> =>
    checked(await workspace.cleanroom(["rpm", "build", "--quiet"])).durationMs;
  await nothing();
  reportTime(`nothing changed, ${count} packages`, 0.4, await medianSeconds(7, nothing));
  if (values.nx) {
    const throughNx = async (): Promise<number> =>
      checked(await workspace.nx("run-many", "-t", "rpm")).durationMs;
    await throughNx();
    reportTime(
      `nothing changed, ${count} packages, through Nx`,
      1.5,
      await medianSeconds(5, throughNx),
    );
  }

  const overhead = async (): Promise<number> => {
    await writeFile(
      workspace.path(file(leaf.name, "-test.c")),
      `/* ${randomUUID()} */\nint main(void) { return 0; }\n`,
    );
    const args = ["rpm", "build", "--quiet", "--json", leaf.name];
    const { durationMs, stdout } = checked(await workspace.cleanroom(args));
    const results = JSON.parse(stdout) as readonly Built[];
    const built = results.find(({ name }) => name === leaf.name);
    if (built?.how !== "built") throw new Error(`${leaf.name} was not built`);
    return durationMs - built.buildMs;
  };
  await overhead();
  reportTime("beyond rpmbuild itself, one package, warm", 0.5, await medianSeconds(5, overhead));

  const rebuilds = async (
    what: string,
    bar: readonly string[],
    edit: () => Promise<void>,
    ...args: readonly string[]
  ): Promise<void> => {
    await edit();
    const names = namesBuilt(await build(workspace, ...args));
    const holds = names.join() === bar.toSorted().join();
    report(what, `${bar.length} rebuilds`, `${names.length} rebuilds`, holds);
  };
  const edit = (ending: string, change: (text: string) => string) => async (): Promise<void> =>
    workspace.edit(file(root.name, ending), change);
  await rebuilds(
    "comment in the root package's spec",
    [],
    edit(".spec", (text) => `# ${randomUUID()}\n${text}`),
  );
  await rebuilds(
    "changelog entry in the root package",
    [],
    edit(".spec", (text) =>
      text.replace("- First", `- First\n\n* Sun Jan 05 2025 B <b@example.org> - 0-1\n- None`),
    ),
  );
  // The next build would bring the entry along.
  await workspace.git("checkout", "--", "specs");
  await rebuilds(
    "comment in a C file of the root package",
    [root.name],
    // On the same line: debugging information knows the lines, and would be other output.
    edit(".c", (text) => text.replace(/\/\*.*?\*\//, `/* ${randomUUID()} */`)),
  );
  await rebuilds(
    "function body of the root package, abi",
    [root.name],
    edit(".c", (text) => text.replace("return 1", `return ${1 + Math.ceil(Math.random() * 1e6)}`)),
    "--cutoff",
    "abi",
  );
  const dependents = libraries.filter(({ needs }) => needs.includes(root.name));
  const { stdout } = checked(
    await workspace.cleanroom([
      ...["rpm", "build", "--quiet", "--json", "--cutoff", "abi", "--test-dependents"],
      ...dependents.slice(0, 3).map(({ name }) => name),
    ]),
  );
  const tested = JSON.parse(stdout) as readonly { readonly tests?: string }[];
  const passed = tested.filter(({ tests }) => tests === "passed").length;
  report(
    "tests of three dependents against the new library",
    "3 pass",
    `${passed} pass`,
    passed === Math.min(3, dependents.length),
  );
  await rebuilds(
    "header of the root package",
    [root.name, ...dependents.map(({ name }) => name)],
    edit(".h", (text) => `/* ${randomUUID()} */\n${text}`),
    "--cutoff",
    "abi",
  );
  await rm(workspace.folder, { recursive: true, force: true });
}

async function benchPlanning(): Promise<void> {
  const count = Number(values.plan);
  const workspace = await stackOf(syntheticLibraries(count));
  const plan = async (): Promise<CommandResult> =>
    checked(
      await workspace.cleanroom(["rpm", "build", "--plan", "--json"], { measuresMemory: true }),
    );
  // So that the program is bundled.
  await workspace.cleanroom(["--version"]);
  const first = await plan();
  reportTime(`planning ${count} packages for the first time`, 3, first.durationMs / 1000);
  const again = async (): Promise<number> => (await plan()).durationMs;
  reportTime(`planning ${count} packages`, 3, await medianSeconds(3, again));
  const bytes = first.peakMemoryBytes / 1e6;
  report(`planning ${count} packages, memory`, "1000 MB", `${bytes.toFixed(0)} MB`, bytes <= 1000);
  await rm(workspace.folder, { recursive: true, force: true });
}

async function benchKills(): Promise<void> {
  const moments = Number(values.kills);
  const workspace = await stackOf(syntheticLibraries(4));
  const { same, left } = await killAtRandom(workspace, moments);
  report(
    `kill -9 at ${moments} random moments: the next run makes the same`,
    `${moments}`,
    `${same}`,
    same === moments,
  );
  report("processes and folders left after that", "0", `${left}`, left === 0);
  await rm(workspace.folder, { recursive: true, force: true });
}

if (values.build) await benchBuilds();
if (Number(values.plan) > 0) await benchPlanning();
if (Number(values.kills) > 0) await benchKills();

const { loadavg } = await import("node:os");
const load = loadavg()
  .map((one) => one.toFixed(1))
  .join(" ");
const processors = (await readFile("/proc/cpuinfo", "utf8")).match(/^processor/gm)?.length ?? 0;
const table = [
  "| case | bar | found | |",
  "| --- | --- | --- | --- |",
  ...rows.map(
    ({ what, bar, found, holds }) =>
      `| ${what} | ${bar} | ${found} | ${holds ? "holds" : "FAILS"} |`,
  ),
];
process.stdout.write(`${table.join("\n")}\n${processors} processors, load ${load}\n`);
process.exitCode = rows.every(({ holds }) => holds) ? 0 : 1;
