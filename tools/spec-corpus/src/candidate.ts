import { globSync, readFileSync, statSync } from "node:fs";
import {
  type Evaluation,
  evaluateSpec,
  macrosFromRecord,
  MacroTable,
  parseMacroFile,
  parseSpec,
  printSpec,
  type FileKind,
  type ShellFacts,
} from "rpm-parser";
import { definesFor } from "./judge.ts";
import type { CorpusOptions } from "./options.ts";
import { runSandboxed, runShell } from "./sandbox.ts";

const defaultMacroPath = [
  "/usr/lib/rpm/macros",
  "/usr/lib/rpm/macros.d/macros.*",
  "/usr/lib/rpm/platform/%{_target}/macros",
  "/usr/lib/rpm/fileattrs/*.attr",
  "/usr/lib/rpm/debian/macros",
  "/usr/lib/rpm/vendor/macros",
].join(":");

/** What rpm takes from its rpmrc and the machine instead of from macro files. */
const machineMacros = ["_target", "_target_cpu", "_target_os", "_build_arch", "optflags"];

/** The macros the judge has, read from the same files. */
export async function loadMacros(options: CorpusOptions): Promise<MacroTable> {
  const evaluated = await runSandboxed(
    options.system,
    ["rpm", "--eval", machineMacros.map((name) => `%{${name}}`).join("\n")],
    10_000,
  );
  const values = evaluated.output.split("\n");
  const machine = Object.fromEntries(
    machineMacros.map((name, index) => [name, values[index] ?? ""]),
  );
  const target = machine["_target"] ?? "x86_64-linux";
  let table = new MacroTable();
  for (const glob of (options.macroPath ?? defaultMacroPath).split(":")) {
    const expanded = glob.replaceAll("%{_target}", target).replace(/^~/, "/root");
    const pattern = pathIn(options.system, expanded);
    for (const file of globSync(pattern).toSorted()) {
      if (/\.rpm(?:new|save|orig)$/.test(file)) continue;
      table = parseMacroFile(readFileSync(file, "utf8"), table, file);
    }
  }
  return macrosFromRecord(machine, table);
}

/** What rpm-parser says, how long it took, and whether the tree prints as it was read. */
export interface Answer {
  readonly evaluation: Evaluation;
  readonly milliseconds: number;
  readonly isRoundTrip: boolean;
}

export function evaluateCandidate(
  file: string,
  bytes: Uint8Array,
  macros: MacroTable,
  options: CorpusOptions,
  facts: ShellFacts,
): Answer {
  const start = performance.now();
  const tree = parseSpec(bytes, file);
  const evaluation = evaluateSpec(tree, {
    macros,
    dialect: options.dialect,
    defines: definesFor(file, options),
    reader: {
      read: (path) => readOrNothing(options.system, path),
      kindOf: (path) => kindOf(options.system, path),
    },
    environment: { HOME: "/root", PATH: "/usr/bin:/bin:/usr/sbin:/sbin" },
    processors: 2,
    shell:
      options.shell === "run"
        ? { kind: "run", run: (command) => runShell(options.system, command) }
        : options.shell === "emulate"
          ? { kind: "emulate", ...facts }
          : { kind: "deny" },
  });
  const milliseconds = performance.now() - start;
  return { evaluation, milliseconds, isRoundTrip: Buffer.compare(printSpec(tree), bytes) === 0 };
}

/** Where a path of the judge's system is on this machine, whose /tmp it sees. */
function pathIn(system: string, path: string): string {
  return path.startsWith("/tmp/") ? path : system + path;
}

function kindOf(system: string, path: string): FileKind | undefined {
  const found = statSync(pathIn(system, path), { throwIfNoEntry: false });
  if (found === undefined) return "nothing";
  return found.isDirectory() ? "folder" : found.isFile() ? "file" : undefined;
}

function readOrNothing(system: string, path: string): Uint8Array | undefined {
  try {
    // A device such as /dev/urandom has no end.
    return kindOf(system, path) === "file" ? readFileSync(pathIn(system, path)) : undefined;
  } catch {
    return undefined;
  }
}
