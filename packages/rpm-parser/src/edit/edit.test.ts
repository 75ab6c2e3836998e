import { describe, expect, it } from "vitest";
import { parseSpec } from "../syntax/parse-spec.ts";
import { printSpecText, type SpecTree } from "../syntax/spec-tree.ts";
import { setBuildOption } from "./build-option.ts";
import { addFile, removeFiles } from "./files-edit.ts";
import {
  addChangelogEntry,
  addPackage,
  removePackage,
  removeSection,
  setBuildCondition,
  setMacro,
  setSection,
} from "./section-edit.ts";
import { addSource, bumpRelease, removeSource, setVersion } from "./source-edit.ts";
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
    ["a patch more", addSource(tree, "Patch", "b.patch"), ["+ Patch4:         b.patch"]],
    ["a first source", addSource(tree, "Source", "a.tar.gz"), ["+ Source0:        a.tar.gz"]],
    ["a patch less", removeSource(tree, "Patch", 3), ["- Patch3:         a.patch"]],
    ["a version", setVersion(tree, "2"), ["- Version:        1", "+ Version:        2"]],
    ["a file more", addFile(tree, "%doc README", "devel"), ["+ %doc README"]],
    ["a file less", removeFiles(tree, (one) => one === "/a"), ["- /a"]],
    ["a first file", addFile(tree, "/b", "doc"), ["+ %files doc", "+ /b"]],
    [
      "a section say something else",
      setSection(tree, "description", "It.", "devel"),
      ["- x", "+ It."],
    ],
    ["a new section", setSection(tree, "check", "make check"), ["+ %check", "+ make check"]],
    ["a section away", removeSection(tree, "files", "devel"), ["- %files devel", "- /usr/include"]],
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

  it("add a subpackage", () => {
    const made = { summary: "Docs", description: "Read.", files: ["%doc x"] };
    const edited = printSpecText(applyEdits(tree, addPackage(tree, "doc", made)));
    expect(edited).toContain(
      "x\n%package doc\nSummary:        Docs\n\n%description doc\nRead.\n\n%build\n",
    );
    expect(edited).toMatch(/\/a\n\n%files doc\n%doc x\n$/);
  });

  it("find what macros hold", () => {
    const odd = parseSpec(
      "%global ver 1\n%global opts -Da=1 -Db=2\n%global rel 7\nVersion: %{ver}\n" +
        "Release: %{rel}%{?dist}\n%build\n%meson %{opts} -Dc=3\n%prep\n%patch -p1 -P 2\n",
    );
    expect(changes(odd, setBuildOption(odd, "meson", "-Db=3"))).toEqual([
      "- %global opts -Da=1 -Db=2",
      "+ %global opts -Da=1 -Db=3",
    ]);
    expect(changes(odd, setVersion(odd, "2"))).toEqual([
      "- %global ver 1",
      "- %global rel 7",
      "+ %global ver 2",
      "+ %global rel 1",
    ]);
    expect(changes(odd, bumpRelease(odd))).toEqual(["- %global rel 7", "+ %global rel 8"]);
    expect(changes(odd, removeSource(odd, "Patch", 2))).toEqual(["- %patch -p1 -P 2"]);
  });

  it("keep line endings", () => {
    const dos = parseSpec("Name: a\r\nVersion: 1\r\n%files\r\n/a\r\n%changelog\r\n* x\r\n");
    const edited = applyEdits(dos, [
      ...setTag(dos, "URL", "u"),
      ...addFile(dos, "/b"),
      ...setSection(dos, "check", "make"),
      ...addChangelogEntry(dos, "y", "- z"),
    ]);
    expect(printSpecText(edited)).not.toMatch(/[^\r]\n/);
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
