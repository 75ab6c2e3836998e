import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  evaluateSpec,
  formatDiagnostic,
  parseMacroFile,
  parseSpec,
  standardMacros,
} from "rpm-parser";
import { expect, test } from "vitest";
import { readProfiles } from "./profile/read-profiles.ts";
import { applyProfiles } from "./strip/apply-profiles.ts";

/** The specs of this repository with macros that are not the base's: they hold elsewhere as well. */

const workspace = path.resolve(import.meta.dirname, "../../..");
const specs = path.join(workspace, "specs/rpm");
const fixture = path.resolve(import.meta.dirname, "../fixtures/fedora.macros");

const names = readdirSync(specs, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const macros = parseMacroFile(readFileSync(fixture, "utf8"), standardMacros(), fixture);
const profiles = await readProfiles(workspace, ["no-x11", "slim"]);

/** Names of sections and of directives in `%files`. */
const structure = new Set(
  (
    "package description prep build install check files changelog post postun posttrans " +
    "transfiletriggerin transfiletriggerpostun attr config dir doc exclude ghost lang license"
  ).split(" "),
);

/** Macro calls that no macro answers. */
const unknownCalls = (text: string): string[] =>
  [...text.matchAll(/(?<!%)%\{?[?!]*([A-Za-z_]\w*)/g)].flatMap(([call, called = ""]) =>
    structure.has(called) ? [] : [call],
  );

test("there are specs to look at", () => {
  expect(names.length).toBeGreaterThan(15);
});

test.each(names)("%s", (name) => {
  const file = path.join(specs, name, `${name}.spec`);
  const tree = parseSpec(readFileSync(file), file);
  const options = { macros, target: "x86_64" };
  for (const evaluation of [
    evaluateSpec(tree, options),
    applyProfiles(tree, options, profiles).evaluation,
  ]) {
    expect(evaluation.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))).toEqual([]);
    expect(evaluation.accepted).toBe(true);
    expect(evaluation.package.release).toMatch(/^\d+\.fc43$/);
    const said = evaluation.package.packages.flatMap(({ requires, summary }) => [
      summary,
      ...requires.map(({ text }) => text),
    ]);
    expect(said.join("\n")).not.toContain("%");
    expect(unknownCalls(evaluation.expandedText)).toEqual([]);
  }
});
