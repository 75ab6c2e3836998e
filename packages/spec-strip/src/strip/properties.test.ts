import fc from "fast-check";
import {
  type Capability,
  evaluateSpec,
  formatRequirement,
  macrosFromRecord,
  parseSpec,
  type Requirement,
  type SourcePackage,
  type SpecDependency,
  standardMacros,
} from "rpm-parser";
import { expect, test } from "vitest";
import { profileFileSchema } from "../profile/profile-file.ts";
import { type DroppedKind, type Profile, profileFromFile, type Rule } from "../profile/rule.ts";
import { applyProfiles, type StrippedSpec } from "./apply-profiles.ts";
import { dropRequirement } from "./drop-requirement.ts";

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
      .tuple(dependency, fc.constantFrom("or", "and", "if", "with"), dependency, dependency)
      .chain(([one, operator, other, third]) =>
        fc.constantFrom(`(${one} ${operator} ${other})`, `(${one} if ${other} else ${third})`),
      ),
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
      `%{_datadir}/locale/*/LC_MESSAGES/%{name}.mo\n/usr/share/a b/c\n` +
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
    filter: fc.record({
      files: fc.uniqueArray(fc.constantFrom("/usr/bin/*", "/usr/share/doc/**", "/usr/**/c")),
      autoRequires: fc.uniqueArray(fc.constantFrom("libX11.so*", "libxcb*")),
    }),
    findLang: fc.boolean(),
    bcond: fc.constantFrom({}, { extra: false }),
    macros: fc.constantFrom<Record<string, string>>({}, { first: "1" }, { second: "2" }),
    meson: fc.constantFrom({}, { docs: false }),
    packages: fc.constantFrom({}, { demo: { meson: { one: 1 } } }, { demo: { meson: { two: 2 } } }),
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

test("stripping and then parsing is parsing and then removing from the model", () => {
  const drop = fc.record({
    dependencies: patterns,
    buildRequires: patterns,
    requires: patterns,
    recommends: patterns,
  });
  fc.assert(
    fc.property(spec, drop, (text, dropped) => {
      const rules = profileFromFile(
        "p",
        profileFileSchema.parse({ description: "d", drop: dropped }),
      );
      const { accepted, package: before } = evaluateSpec(parseSpec(text), options);
      fc.pre(accepted);
      const after = strip(text, [rules]).evaluation.package;
      expect(dependenciesOf(after, (_, requirement) => requirement)).toEqual(
        dependenciesOf(before, (kind, requirement) => {
          const tests = rules.everywhere.drop[kind];
          const test = (capability: Capability): Rule | undefined =>
            tests.find((rule) => rule.matches(capability));
          return dropRequirement(requirement, test).requirement;
        }),
      );
    }),
  );
});

/** All that a spec's packages ask for, after a change, written in one way, each once. */
function dependenciesOf(
  source: SourcePackage,
  change: (kind: DroppedKind, requirement: Requirement) => Requirement | undefined,
): string[] {
  const written = (label: string, kind: DroppedKind, list: readonly SpecDependency[]): string[] =>
    list.flatMap(({ requirement }) => {
      const left = change(kind, requirement);
      return left === undefined ? [] : [`${label} ${kind} ${formatRequirement(left)}`];
    });
  const all = [
    ...written("source", "buildRequires", source.buildRequires),
    ...source.packages.flatMap((one) =>
      (["requires", "recommends"] as const).flatMap((kind) => written(one.name, kind, one[kind])),
    ),
  ];
  return [...new Set(all)].toSorted();
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}
