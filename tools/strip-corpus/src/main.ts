import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { mapConcurrent } from "@cleanroom/core";
import { applyProfiles, readProfiles, type StrippedSpec } from "@cleanroom/spec-strip";
import {
  type EvaluationOptions,
  type MacroTable,
  parseMacroFile,
  parseRequirement,
  parseSpec,
  printSpec,
  type Requirement,
  standardMacros,
} from "rpm-parser";
import { askRpmspec } from "./rpmspec.ts";

const usage = `Usage: node tools/strip-corpus/src/main.ts [options] FOLDER...

Strips every *.spec, strips the result again, and has rpmspec judge what is left of the specs that
it accepted before.

  --profile NAME   a profile of specs/profile, or a path; no-x11 and slim when absent
  --judge N        have rpmspec judge only every Nth changed spec; 0 judges none
  --show N         print N failures in full (default 10)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    profile: { type: "string", multiple: true, default: ["no-x11", "slim"] },
    judge: { type: "string", default: "1" },
    show: { type: "string", default: "10" },
  },
});

/** rpm's own macro files, over what every rpm has. */
async function machineMacros(): Promise<MacroTable> {
  let table = standardMacros();
  for (const pattern of ["macros", "macros.d/macros.*", "platform/x86_64-linux/macros"]) {
    for await (const file of glob(path.join("/usr/lib/rpm", pattern))) {
      table = parseMacroFile(await readFile(file, "utf8"), table, file);
    }
  }
  return table;
}

interface Stripped {
  readonly file: string;
  readonly spec: StrippedSpec;
  readonly isIdempotent: boolean;
}

const workspace = path.resolve(import.meta.dirname, "../../..");
const profiles = await readProfiles(workspace, values.profile);
const macros = await machineMacros();
const optionsFor = (file: string): EvaluationOptions => ({
  macros,
  target: "x86_64",
  dialect: "4.18",
  defines: { _sourcedir: path.dirname(file) },
});

if (positionals.length === 0) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else process.exitCode = await main();

async function main(): Promise<number> {
  const files: string[] = [];
  for (const folder of positionals) {
    for await (const file of glob("**/*.spec", { cwd: folder })) {
      files.push(path.resolve(folder, file));
    }
  }
  files.sort();
  const texts = await Promise.all(files.map((file) => readFile(file)));
  const startedMs = performance.now();
  const stripped = files.map((file, index) => {
    const tree = parseSpec(texts[index] ?? "", file);
    return { file, spec: applyProfiles(tree, optionsFor(file), profiles) };
  });
  const stripMs = Math.round(performance.now() - startedMs);
  const changed = stripped
    .filter(({ spec }) => spec.report.edits.length > 0)
    .map(({ file, spec }): Stripped => {
      const again = applyProfiles(spec.tree, optionsFor(file), profiles);
      return { file, spec, isIdempotent: again.text === spec.text };
    });
  const edits = changed.reduce((sum, { spec }) => sum + spec.report.edits.length, 0);
  print(`${files.length} specs stripped in ${stripMs} ms on one thread`);
  print(`${changed.length} changed, ${edits} edits`);
  const failures = changed
    .filter(({ isIdempotent }) => !isIdempotent)
    .map(({ file }) => `${file}: stripping again changes it again`);
  print(`${changed.length - failures.length} of ${changed.length} idempotent`);
  failures.push(...(await judgeAll(changed)));
  for (const failure of failures.slice(0, Number(values.show))) print(failure);
  return failures.length === 0 ? 0 : 1;
}

async function judgeAll(changed: readonly Stripped[]): Promise<string[]> {
  const step = Number(values.judge);
  const chosen = step === 0 ? [] : changed.filter((_, index) => index % step === 0);
  if (chosen.length === 0) return [];
  const folder = await mkdtemp(path.join(tmpdir(), "strip-corpus-"));
  const failures: string[] = [];
  let accepted = 0;
  let kept = 0;
  try {
    await mapConcurrent(chosen, 2, async ({ file, spec }, index) => {
      const sources = path.dirname(file);
      if (!(await askRpmspec(file, sources)).isAccepted) return;
      accepted += 1;
      const own = path.join(folder, String(index));
      await mkdir(own);
      const target = path.join(own, path.basename(file));
      await writeFile(target, printSpec(spec.tree));
      const verdict = await askRpmspec(target, sources);
      if (!verdict.isAccepted) failures.push(`${file}: refused: ${verdict.errors.trim()}`);
      else kept += 1;
      const left = [
        ...verdict.buildRequires.filter((one) => isUnwanted(one, "buildRequires")),
        ...verdict.requires.filter((one) => isUnwanted(one, "requires")),
      ];
      if (left.length > 0) failures.push(`${file}: still asks for ${left.join(", ")}`);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
  print(`${kept} of ${accepted} that rpmspec accepted before are accepted still`);
  return failures;
}

/** Whether a rule that drops dependencies of this kind, or one that forbids, names it. */
function isUnwanted(dependency: string, kind: "buildRequires" | "requires"): boolean {
  const requirement = parseRequirement(dependency);
  const rules = profiles.flatMap(({ everywhere, forbid }) => [...everywhere.drop[kind], ...forbid]);
  const asks = (one: Requirement): boolean =>
    one.kind === "rich"
      ? one.operands.some((operand) => asks(operand))
      : rules.some(({ matches }) => matches(one.capability));
  return requirement !== undefined && asks(requirement);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
