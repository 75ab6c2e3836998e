import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
    return `%${name}${options === undefined ? "" : `(${options})`} ${body}\n`;
  });
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

/** The base's macros are rpm's own with a few more; Fedora's are another set altogether. */
const macroSets = ["/usr/lib/rpm/macros", "../packages/spec-strip/fixtures/fedora.macros"];

test.skipIf(!hasRpmspec)("the specs of this repository mean what rpmspec says", async () => {
  const specs = path.resolve(import.meta.dirname, "../specs/rpm");
  const files = macroSets.map((file) => path.resolve(import.meta.dirname, file));
  const { stdout: version } = await rpmspec("--version");
  const dialect = version.includes("4.18") ? "4.18" : "4.20";
  let macros = standardMacros();
  for (const file of files) macros = parseMacroFile(readFileSync(file, "utf8"), macros, file);
  const names = readdirSync(specs, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name } of names) {
    const file = path.join(specs, name, `${name}.spec`);
    const said = async (...query: readonly string[]): Promise<string[]> => {
      const { exitCode, stdout, stderr } = await rpmspec(
        ...["--macros", files.join(":"), "-q", ...query, file],
      );
      expect({ name, exitCode, stderr }).toEqual({ name, exitCode: 0, stderr: "" });
      return stdout.split("\n").filter((line) => line !== "");
    };
    const { package: source } = evaluateSpec(parseSpec(readFileSync(file), file), {
      macros,
      dialect,
    });
    const buildRequires = source.buildRequires.map((one) => one.text);
    expect(buildRequires).toEqual(await said("--buildrequires"));
    const built = source.packages.filter(({ files: listed }) => listed !== undefined);
    const label = "%{name} %{release} %{arch} %{license}\n";
    expect(
      built.map((one) =>
        [one.name, one.release, one.arch, one.license ?? source.license].join(" "),
      ),
    ).toEqual(await said("--queryformat", label));
  }
});
