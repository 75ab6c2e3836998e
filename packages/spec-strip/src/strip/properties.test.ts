import fc from "fast-check";
import {
  evaluateSpec,
  macrosFromRecord,
  parseSpec,
  type SourcePackage,
  standardMacros,
} from "rpm-parser";
import { expect, test } from "vitest";
import { profileFileSchema } from "../profile/profile-file.ts";
import { type Profile, profileFromFile } from "../profile/rule.ts";
import { applyProfiles, type StrippedSpec } from "./apply-profiles.ts";

const options = { macros: macrosFromRecord({ dist: ".x" }, standardMacros()), target: "x86_64" };
const names = ["alpha", "beta", "gamma", "libX11-devel", "pkgconfig(x11)", "%{name}-libs%{?_isa}"];

/** One dependency as specs write it. */
const dependency = fc
  .tuple(fc.constantFrom(...names), fc.constantFrom("", " >= 1.2", " = %{version}"))
  .map(([name, range]) => name + range);
const item = fc.oneof(
  { weight: 4, arbitrary: dependency },
  {
    weight: 1,
    arbitrary: fc
      .tuple(dependency, fc.constantFrom("or", "and", "if", "unless", "with"), dependency)
      .map(([one, operator, other]) => `(${one} ${operator} ${other})`),
  },
);
const tag = fc
  .tuple(
    fc.constantFrom("BuildRequires", "Requires", "Recommends", "Requires(post)"),
    fc.constantFrom(": ", ":\t", ":        "),
    fc.array(item, { minLength: 1, maxLength: 3 }),
    fc.constantFrom(", ", " ", ",  "),
  )
  .map(([name, colon, items, separator]) => `${name}${colon}${items.join(separator)}\n`);
const line = fc.oneof(
  { weight: 5, arbitrary: tag },
  { weight: 1, arbitrary: fc.constantFrom("# a comment\n", "\n", "%bcond extra 1\n") },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("%if %{with extra}", "%if 0", "%ifarch aarch64"), tag)
      .map(([condition, inner]) => `${condition}\n${inner}%endif\n`),
  },
);
const spec = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.array(line, { maxLength: 4 }), fc.boolean())
  .map(
    ([main, other, hasFiles]) =>
      `Name: demo\nVersion: 1\nRelease: 1%{?dist}\nSummary: s\nLicense: MIT\n${main.join("")}` +
      `%description\nText.\n%package doc\nSummary: d\n${other.join("")}%description doc\nText.\n` +
      `%build\n%meson -Ddocs=true\n%install\nmake install\n%files\n/usr/bin/demo\n` +
      (hasFiles ? "%files doc\n/usr/share/doc/demo\n" : ""),
  );

const patterns = fc.uniqueArray(
  fc.constantFrom("alpha", "be*", "libX11*", "pkgconfig(*)", "*-libs"),
  {
    maxLength: 3,
  },
);
const profile = fc
  .record({
    drop: fc.record({
      buildRequires: patterns,
      requires: patterns,
      recommends: fc.constantFrom<string[]>([], ["*"]),
      subpackages: fc.constantFrom<string[]>([], ["*-doc"]),
    }),
    bcond: fc.constantFrom({}, { extra: false }),
    macros: fc.constantFrom<Record<string, string>>({}, { first: "1" }, { second: "2" }),
    meson: fc.constantFrom({}, { docs: false }),
  })
  .map((rules) => profileFromFile("p", profileFileSchema.parse({ description: "d", ...rules })));

const strip = (text: string, profiles: readonly Profile[]): StrippedSpec =>
  applyProfiles(parseSpec(text), options, profiles);

test("stripping twice changes nothing more", () => {
  fc.assert(
    fc.property(spec, profile, (text, rules) => {
      const once = strip(text, [rules]);
      expect(strip(once.text, [rules]).text).toBe(once.text);
    }),
  );
});

test("every byte outside the edits stays", () => {
  fc.assert(
    fc.property(spec, profile, (text, rules) => {
      const { report, text: result } = strip(text, [rules]);
      // Taking the edits back, last first, gives the text as it was.
      let restored = result;
      const starts = lineStarts(result);
      for (const { before, after } of report.edits.toReversed()) {
        const at = (starts[(after.line ?? 1) - 1] ?? 0) + (after.column ?? 1) - 1;
        expect(restored.slice(at, at + after.text.length)).toBe(after.text);
        restored = restored.slice(0, at) + before.text + restored.slice(at + after.text.length);
      }
      expect(restored).toBe(text);
    }),
  );
});

test("the order of profiles whose rules are independent does not matter", () => {
  fc.assert(
    fc.property(spec, profile, profile, (text, one, other) => {
      expect(strip(text, [one, other]).text).toBe(strip(text, [other, one]).text);
    }),
  );
});

test("what is dropped from the text is dropped from the model, and nothing else is", () => {
  fc.assert(
    fc.property(spec, patterns, (text, buildRequires) => {
      const rules = profileFromFile(
        "p",
        profileFileSchema.parse({ description: "d", drop: { buildRequires } }),
      );
      const before = evaluateSpec(parseSpec(text), options).package;
      const after = strip(text, [rules]).evaluation.package;
      const { buildRequires: tests } = rules.everywhere.drop;
      const kept = before.buildRequires.flatMap(({ requirement, text: one }) =>
        requirement.kind === "simple" && !tests.some((rule) => rule.matches(requirement.capability))
          ? [one]
          : [],
      );
      expect(simple(after)).toEqual(expect.arrayContaining(kept));
      expect(
        after.buildRequires.some(
          ({ requirement }) =>
            requirement.kind === "simple" &&
            tests.some((rule) => rule.matches(requirement.capability)),
        ),
      ).toBe(false);
      expect(after.packages.map(({ requires }) => requires.map((one) => one.text))).toEqual(
        before.packages.map(({ requires }) => requires.map((one) => one.text)),
      );
    }),
  );
});

/** BuildRequires that are no rich dependencies. */
function simple(source: SourcePackage): string[] {
  return source.buildRequires.flatMap(({ requirement, text }) =>
    requirement.kind === "simple" ? [text] : [],
  );
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}
