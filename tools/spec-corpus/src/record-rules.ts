import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { standardMacros } from "rpm-parser";
import { runSandboxed } from "./sandbox.ts";

/**
 * Records what rpmspec says of the small specs in a folder of rule cases, each about one rule:
 *
 *     node tools/spec-corpus/src/record-rules.ts packages/rpm-parser/fixtures/rules 4.18 [ROOT] [--all]
 *
 * Cases that were recorded before are taken over as they are, unless with `--all`.
 *
 * `FOLDER/*.txt` holds the cases, `FOLDER/macros` their macros on top of rpm-parser's standard ones;
 * the answers go to `FOLDER/rpm-VERSION.json`. A case is `== name` and a spec, where a line `@` stands
 * for the five tags every spec needs; or `= name: text`, text for the description of a plain spec.
 */
const isWhole = process.argv.includes("--all");
const [folder = "", version = "", system = "/"] = process.argv
  .slice(2)
  .filter((word) => word !== "--all");
const tags = "Name: t\nVersion: 1\nRelease: 1\nSummary: s\nLicense: l\n";
const work = "/tmp/spec-corpus-rules";
const query = [
  "N %{NEVRA}\\n",
  "[R %{=NAME} %{REQUIRENEVRS}\\n]",
  "[P %{=NAME} %{PROVIDENEVRS}\\n]",
].join("");

interface RuleCase {
  readonly name: string;
  readonly spec: string;
}

function readCases(): readonly RuleCase[] {
  const cases: { name: string; spec: string }[] = [];
  for (const file of globSync(path.join(folder, "*.txt")).toSorted()) {
    const topic = path.basename(file, ".txt");
    const whole = readFileSync(file, "utf8");
    for (const part of whole.split(/^(?==?= )/m)) {
      const full = /^== (.*)\n([\s\S]*)$/.exec(part);
      const short = /^= (.*?): ([\s\S]*)$/.exec(part);
      const [, name = "", text = ""] = full ?? short ?? [];
      if (name === "") continue;
      const spec = full === null ? `${tags}%description\n${text}` : text.replace(/^@\n/m, tags);
      cases.push({ name: `${topic}: ${name}`, spec });
    }
  }
  return cases;
}

/** What was recorded before; nothing when this is the first time. */
function knownAnswers(): readonly RuleCase[] {
  const file = path.join(folder, `rpm-${version}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as readonly RuleCase[]) : [];
}

/** The standard macros as a macro file. */
function standardMacroFile(): string {
  const table = standardMacros();
  return [...table.names()]
    .map((name) => {
      const { options, body } = table.get(name) ?? { options: undefined, body: "" };
      return `%${name}${options === undefined ? "" : `(${options})`} ${body.replaceAll("\\", "\\\\").replaceAll("\n", "\\\n")}\n`;
    })
    .join("");
}

async function record({ name, spec }: RuleCase): Promise<object> {
  const file = path.join(work, "case.spec");
  writeFileSync(file, spec);
  const common = ["rpmspec", "--macros", `${work}/standard:${work}/macros`];
  const expanded = await runSandboxed(system, [...common, "-P", file], 20_000);
  if (expanded.status !== 0) return { name, spec, accepted: false };
  const binary = await runSandboxed(system, [...common, "-q", "--qf", query, file], 20_000);
  const source = await runSandboxed(system, [...common, "-q", "--buildrequires", file], 20_000);
  const lines = binary.output.split("\n");
  const tagged = (tag: string): string[] =>
    lines.filter((line) => line.startsWith(`${tag} `)).map((line) => line.slice(2));
  return {
    name,
    spec,
    accepted: true,
    expanded: expanded.output,
    nevras: tagged("N"),
    requires: tagged("R"),
    provides: tagged("P"),
    buildRequires: source.output.split("\n").filter((line) => line !== ""),
  };
}

mkdirSync(work, { recursive: true });
writeFileSync(path.join(work, "standard"), standardMacroFile());
const included = path.join(work, "included");
writeFileSync(
  path.join(work, "macros"),
  `${readFileSync(path.join(folder, "macros"), "utf8")}%included ${included}\n`,
);
writeFileSync(included, readFileSync(path.join(folder, "included")));
const known = new Map(
  isWhole ? [] : knownAnswers().map((one) => [`${one.name}\0${one.spec}`, one]),
);
const recorded: object[] = [];
for (const one of readCases()) {
  recorded.push(known.get(`${one.name}\0${one.spec}`) ?? (await record(one)));
}
const rows = recorded.map((one) => JSON.stringify(one)).join(",\n");
writeFileSync(path.join(folder, `rpm-${version}.json`), `[\n${rows}\n]\n`);
process.stdout.write(`${recorded.length} cases\n`);
