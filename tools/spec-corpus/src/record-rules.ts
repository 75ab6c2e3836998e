import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { standardMacros } from "rpm-parser";
import { runSandboxed } from "./sandbox.ts";

/**
 * Records what rpmspec says of the small specs in a folder of rule cases, each about one rule:
 *
 *     node tools/spec-corpus/src/record-rules.ts packages/rpm-parser/fixtures/rules 4.18 [ROOT]
 *
 * `FOLDER/*.txt` holds the cases, `FOLDER/macros` their macros on top of rpm-parser's standard ones;
 * the answers go to `FOLDER/rpm-VERSION.json`. A case is `== name` and a spec, where a line `@` stands
 * for the five tags every spec needs; or `= name: text`, text for the description of a plain spec.
 */
const [folder = "", version = "", system = "/"] = process.argv.slice(2);
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

/** The standard macros as a macro file. */
function standardMacroFile(): string {
  const table = standardMacros();
  return [...table.names()]
    .map((name) => {
      const { options, body } = table.get(name) ?? { options: undefined, body: "" };
      return `%${name}${options === undefined ? "" : `(${options})`} ${body}\n`;
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
writeFileSync(path.join(work, "macros"), readFileSync(path.join(folder, "macros")));
const recorded: object[] = [];
for (const one of readCases()) recorded.push(await record(one));
const rows = recorded.map((one) => JSON.stringify(one)).join(",\n");
writeFileSync(path.join(folder, `rpm-${version}.json`), `[\n${rows}\n]\n`);
process.stdout.write(`${recorded.length} cases\n`);
