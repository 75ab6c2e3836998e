import { expect, test } from "vitest";
import { evaluateSpec, parseSpec, type SourcePackage, standardMacros } from "rpm-parser";
import { diffSpecs } from "./diff-specs.ts";

const evaluated = (body: string): SourcePackage =>
  evaluateSpec(
    parseSpec(`Name: demo\nVersion: 1\nRelease: 1\nSummary: Demo\nLicense: MIT\n${body}`),
    { macros: standardMacros(), target: "x86_64" },
  ).package;

test("another text of the same meaning is no difference", () => {
  const one = evaluated("BuildRequires: a, b\n%description\nText\n%build\nmake \\\n  all\n");
  const other = evaluated(
    "%global x a\nBuildRequires: b\nBuildRequires: %{x}\n%description\nText\n%build\n# now\nmake all\n",
  );
  expect(diffSpecs(one, other)).toEqual([]);
});

test("each difference says whose it is, and what it was and is", () => {
  const one = evaluated(
    "%bcond x11 1\nBuildRequires: a\nRequires: c\n%description\nText\n%package doc\nSummary: D\n%description doc\nD\n%build\nmake\n%files\n/usr/bin/a\n%files doc\n",
  );
  const other = evaluated(
    "%bcond x11 0\nRequires: d\n%description\nText\n%build\nninja\n%files\n%dir /usr/bin/a\n",
  );
  const source = { packageName: undefined };
  const main = { packageName: "demo" };
  expect(diffSpecs(one, other)).toEqual([
    { ...source, subject: "conditions", before: "x11 on", after: undefined },
    { ...source, subject: "conditions", before: undefined, after: "x11 off" },
    { ...source, subject: "buildRequires", before: "a", after: undefined },
    { ...source, subject: "%build", before: "make", after: undefined },
    { ...source, subject: "%build", before: undefined, after: "ninja" },
    { ...main, subject: "requires", before: "c", after: undefined },
    { ...main, subject: "requires", before: undefined, after: "d" },
    { ...main, subject: "files", before: "/usr/bin/a", after: undefined },
    { ...main, subject: "files", before: undefined, after: "%dir /usr/bin/a" },
    { packageName: "demo-doc", subject: "package", before: "demo-doc", after: undefined },
  ]);
});
