import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evaluateSpec } from "../evaluate/evaluate-spec.ts";
import { standardMacros } from "../macro/standard-macros.ts";
import { parseSpec } from "../syntax/parse-spec.ts";
import { formatQuery, QueryFormatError } from "./query-format.ts";
import { packageTags, sourceTags } from "./query-tags.ts";

const folder = new URL("../../fixtures/queries/", import.meta.url);
const spec = parseSpec(readFileSync(new URL("query.spec", folder)), "query.spec");
const { package: source } = evaluateSpec(spec, { macros: standardMacros() });

/** What `rpmspec -q --qf FORMAT` said of the spec, and with `--srpm`. */
const recorded = JSON.parse(readFileSync(new URL("rpm-4.18.json", folder), "utf8")) as readonly {
  readonly format: string;
  readonly packages: string;
  readonly source: string;
}[];

describe("a query format", () => {
  it.each(recorded)("prints what rpm prints: $format", (one) => {
    const packages = source.packages.map((entry) =>
      formatQuery(one.format, packageTags(source, entry)),
    );
    expect(packages.join("")).toBe(one.packages);
    expect(formatQuery(one.format, sourceTags(source))).toBe(one.source);
  });

  it.each([
    ["%{NAME", "missing } after %{"],
    ["%NAME", "missing { after %"],
    ["%{NO_SUCH_TAG}", 'unknown tag: "NO_SUCH_TAG"'],
    ["[%{REQUIRENAME} %{CHANGELOGNAME}]", "array iterator used with different sized arrays"],
    ["[%{REQUIRENAME}", "] expected at end of array"],
    ["a}", "unexpected }"],
  ])("says what is wrong with %s", (format, message) => {
    const [main] = source.packages;
    const run = (): string =>
      main === undefined ? "" : formatQuery(format, packageTags(source, main));
    expect(run).toThrow(new QueryFormatError(message));
  });
});
