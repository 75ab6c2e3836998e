import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RpmDialect } from "../macro/host.ts";
import { parseMacroFile } from "../macro/macro-file.ts";
import { standardMacros } from "../macro/standard-macros.ts";
import { parseSpec } from "../syntax/parse-spec.ts";
import { evaluateSpec } from "./evaluate-spec.ts";

/** What the real rpmspec said of a small spec about one rule; recorded by tools/spec-corpus. */
interface Recorded {
  readonly name: string;
  readonly spec: string;
  readonly accepted: boolean;
  readonly expanded?: string;
  readonly nevras?: readonly string[];
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
  readonly buildRequires?: readonly string[];
}

const folder = new URL("../../fixtures/rules/", import.meta.url);
const macros = parseMacroFile(
  `${readFileSync(new URL("macros", folder), "utf8")}%included /included\n`,
  standardMacros(),
);
const included = readFileSync(new URL("included", folder));

/** Differences from rpm that are meant, each with its reason. */
const allowed = JSON.parse(
  readFileSync(new URL("allowed-differences.json", folder), "utf8"),
) as readonly { readonly name: string; readonly rpm?: RpmDialect; readonly reason: string }[];

function answer({ name, spec }: Recorded, dialect: RpmDialect): Recorded {
  const {
    accepted,
    expandedText,
    package: source,
  } = evaluateSpec(parseSpec(spec, "case.spec"), {
    macros,
    dialect,
    shell: { kind: "emulate" },
    reader: {
      read: (path) => (path === "/included" ? included : undefined),
      kindOf: (path) => (path === "/" ? "folder" : undefined),
    },
  });
  if (!accepted) return { name, spec, accepted };
  const { packages } = source;
  return {
    name,
    spec,
    accepted,
    expanded: expandedText,
    nevras: packages.map((one) => {
      const epoch = one.epoch === null ? "" : `${one.epoch}:`;
      return `${one.name}-${epoch}${one.version}-${one.release}.${one.arch}`;
    }),
    requires: packages.flatMap((one) => one.requires.map((need) => `${one.name} ${need.text}`)),
    provides: packages.flatMap((one) => one.provides.map((need) => `${one.name} ${need.text}`)),
    buildRequires: source.buildRequires.map((need) => need.text),
  };
}

describe.each(["4.18", "4.20"] as const)("as rpmspec %s", (dialect) => {
  const recorded = JSON.parse(
    readFileSync(new URL(`rpm-${dialect}.json`, folder), "utf8"),
  ) as readonly Recorded[];
  const excused = new Set(
    allowed.filter((one) => (one.rpm ?? dialect) === dialect).map((one) => one.name),
  );

  it.each(recorded.filter((one) => !excused.has(one.name)))("$name", (one) => {
    expect(answer(one, dialect)).toEqual(one);
  });

  it("has no difference allowed that is none", () => {
    const equal = recorded.filter(
      (one) =>
        excused.has(one.name) && JSON.stringify(answer(one, dialect)) === JSON.stringify(one),
    );
    expect(equal.map((one) => one.name)).toEqual([]);
  });
});
