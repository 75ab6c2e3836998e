import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CommandResult, run } from "@cleanroom/core";
import { evaluateSpec, parseMacroFile, parseSpec, standardMacros } from "rpm-parser";
import { expect, test } from "vitest";

interface Recorded {
  readonly name: string;
  readonly spec: string;
  readonly accepted: boolean;
  readonly expanded?: string;
}

/** Runs rpmspec; any exit code is an answer. */
const rpmspec = (...args: readonly string[]): Promise<CommandResult> =>
  run("rpmspec", args, { accept: Array.from({ length: 256 }, (_, code) => code) });

const folder = path.resolve(import.meta.dirname, "../packages/rpm-parser/fixtures/rules");
const hasRpmspec = await rpmspec("--version").then(
  () => true,
  () => false,
);

/** Every so manieth rule; all of them are compared with what was recorded in the unit tests. */
const sampleStep = 12;

test.skipIf(!hasRpmspec)("the recorded rules are what this machine's rpmspec says", async () => {
  const { stdout: version } = await rpmspec("--version");
  const dialect = version.includes("4.18") ? "4.18" : "4.20";
  const recorded = JSON.parse(
    readFileSync(path.join(folder, `rpm-${dialect}.json`), "utf8"),
  ) as readonly Recorded[];
  const work = mkdtempSync(path.join(tmpdir(), "rpm-parser-"));
  const table = standardMacros();
  const lines = [...table.names()].map((name) => {
    const { options, body } = table.get(name) ?? { options: undefined, body: "" };
    const text = body.replaceAll("\\", "\\\\").replaceAll("\n", "\\\n");
    return `%${name}${options === undefined ? "" : `(${options})`} ${text}\n`;
  });
  lines.push(`%included ${path.join(folder, "included")}\n`);
  writeFileSync(path.join(work, "standard"), lines.join(""));
  const macroPath = `${path.join(work, "standard")}:${path.join(folder, "macros")}`;
  const file = path.join(work, "case.spec");
  for (const one of recorded.filter((_one, index) => index % sampleStep === 0)) {
    writeFileSync(file, one.spec);
    const said = await rpmspec("--macros", macroPath, "-P", file);
    const accepted = said.exitCode === 0;
    expect({ name: one.name, accepted, expanded: accepted ? said.stdout : undefined }).toEqual({
      name: one.name,
      accepted: one.accepted,
      expanded: one.expanded,
    });
  }
});

test.skipIf(!hasRpmspec)("the specs of this repository mean what rpmspec says", async () => {
  const specs = path.resolve(import.meta.dirname, "../specs/rpm");
  const macroFile = "/usr/lib/rpm/macros";
  const { stdout: version } = await rpmspec("--version");
  const macros = parseMacroFile(readFileSync(macroFile, "utf8"), standardMacros(), macroFile);
  for (const name of ["catatonit", "glib2"]) {
    const file = path.join(specs, name, `${name}.spec`);
    const query = ["--macros", macroFile, "--define", "dist .cr1", "-q", "--buildrequires", file];
    const said = await rpmspec(...query);
    const { package: source } = evaluateSpec(parseSpec(readFileSync(file), file), {
      macros,
      defines: { dist: ".cr1" },
      dialect: version.includes("4.18") ? "4.18" : "4.20",
    });
    const lines = said.stdout.split("\n").filter((line) => line !== "");
    expect(source.buildRequires.map((one) => one.text)).toEqual(lines);
  }
});
