import { describe, expect, it } from "vitest";
import { parseSpec } from "../syntax/parse-spec.ts";
import { printSpecText, type SpecTree } from "../syntax/spec-tree.ts";
import {
  addChangelogEntry,
  removePackage,
  setBuildCondition,
  setBuildOption,
  setMacro,
} from "./section-edit.ts";
import { addDependency, removeDependencies, removeTag, setTag } from "./tag-edit.ts";
import { applyEdits, type TextEdit } from "./text-edit.ts";

const text = `%bcond_with docs
%bcond x11 1
%global major 3
Name:           gtk
Version:        1
BuildRequires:  gcc, libX11-devel >= 1 , make
BuildRequires:  libXi-devel
%if %{with docs}
BuildRequires:  gtk-doc
%endif
Patch3:         a.patch
%description

%package devel
Summary: d
Requires: %{name} = 1
%description devel
x
%build
%meson \\
  -Dx11_backend=true \\
  -Dother=1
%configure --with-x --disable-static
%files devel
/usr/include
%files
/a
`;

const tree = parseSpec(text);

/** The lines that the edits change: `-` those before, `+` those after. */
function changes(of: SpecTree, edits: readonly TextEdit[]): readonly string[] {
  const before = printSpecText(of).split("\n");
  const after = printSpecText(applyEdits(of, edits)).split("\n");
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
}

describe("edits of a spec", () => {
  it.each([
    ["a tag", setTag(tree, "Version", "2"), ["- Version:        1", "+ Version:        2"]],
    ["a new tag", setTag(tree, "URL", "http://x"), ["+ URL:            http://x"]],
    ["a subpackage's tag", setTag(tree, "Summary", "e", "devel"), ["- Summary: d", "+ Summary: e"]],
    ["a tag away", removeTag(tree, "Patch3"), ["- Patch3:         a.patch"]],
    [
      "a dependency more",
      addDependency(tree, "BuildRequires", "meson"),
      ["+ BuildRequires:  meson"],
    ],
    [
      "dependencies less",
      removeDependencies(tree, "BuildRequires", (one) => one.startsWith("libX")),
      [
        "- BuildRequires:  gcc, libX11-devel >= 1 , make",
        "- BuildRequires:  libXi-devel",
        "+ BuildRequires:  gcc, make",
      ],
    ],
    [
      "the last dependency of a line",
      removeDependencies(tree, "BuildRequires", (one) => one === "make"),
      [
        "- BuildRequires:  gcc, libX11-devel >= 1 , make",
        "+ BuildRequires:  gcc, libX11-devel >= 1",
      ],
    ],
    [
      "a condition on",
      setBuildCondition(tree, "docs", true),
      ["- %bcond_with docs", "+ %bcond_without docs"],
    ],
    [
      "a condition off",
      setBuildCondition(tree, "x11", false),
      ["- %bcond x11 1", "+ %bcond x11 0"],
    ],
    ["a condition as it is", setBuildCondition(tree, "docs", false), []],
    ["a macro", setMacro(tree, "major", "4"), ["- %global major 3", "+ %global major 4"]],
    [
      "an option",
      setBuildOption(tree, "meson", "-Dx11_backend=false"),
      ["-   -Dx11_backend=true \\", "+   -Dx11_backend=false \\"],
    ],
    [
      "a new option",
      setBuildOption(tree, "meson", "-Dnew=1"),
      ["- %meson \\", "+ %meson -Dnew=1 \\"],
    ],
    [
      "an option turned round",
      setBuildOption(tree, "configure", "--without-x"),
      ["- %configure --with-x --disable-static", "+ %configure --without-x --disable-static"],
    ],
    [
      "a changelog",
      addChangelogEntry(tree, "Mon Jan 06 2020 A <a@b> - 1-1", "- x"),
      ["+ %changelog", "+ * Mon Jan 06 2020 A <a@b> - 1-1", "+ - x"],
    ],
  ])("make %s", (_name, edits, expected) => {
    expect(changes(tree, edits)).toEqual(expected);
  });

  it("remove a subpackage whole", () => {
    const edited = printSpecText(applyEdits(tree, removePackage(tree, "devel")));
    expect(edited).not.toMatch(/^%\w+ devel/m);
    expect(edited).not.toContain("/usr/include");
    expect(edited).toContain("%build\n%meson");
    expect(edited).toContain("%files\n/a\n");
  });

  it("do not touch each other", () => {
    const twice = [...setTag(tree, "Version", "2"), ...setTag(tree, "Version", "3")];
    expect(() => applyEdits(tree, twice)).toThrow("touch the same text");
  });

  it("keep bytes that are not UTF-8", () => {
    const bytes = Buffer.from("Name: a\n# \xe9\nVersion: 1\n", "latin1");
    const odd = parseSpec(bytes);
    const edited = applyEdits(odd, setTag(odd, "Version", "2"));
    expect(Buffer.from(edited.source.toBytes()).toString("latin1")).toBe(
      "Name: a\n# \xe9\nVersion: 2\n",
    );
  });
});
