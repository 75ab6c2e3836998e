import { evaluateSpec, macrosFromRecord, parseSpec, standardMacros } from "rpm-parser";
import { expect, test } from "vitest";
import { significantText } from "./significant-text.ts";

const spec = `# What it is
%bcond docs 0
%bcond x11 1
%global flavour plain

Name:           a
Version:        1
Release:        1%{?dist}
Summary:        A
License:        MIT
Source0:        a.tar

%if %{with docs}
BuildRequires:  doxygen
%else
BuildRequires:  gcc
%endif
%if 0%{?fedora}
BuildRequires:  fedora-only
%endif

%description
First.

# Not shown
Last.

%if %{with docs}
%package docs
Summary: Manual
%description docs
The manual.
%endif

%prep
%autosetup

%build
# How it is made
make -Dx11=%{?with_x11:yes}
cat > note <<END
# kept
END
# and again
echo "a
# kept as well
"

%install
%some_install
# nobody knows what came before

%post
# in the header
/sbin/ldconfig

%files
# all of it
%{_bindir}/a

%changelog
* Mon Jan 06 2020 Some One <one@example.org> - 1-1
- First
`;

function significant(text: string, macros: Readonly<Record<string, string>> = { dist: ".cr1" }) {
  const tree = parseSpec(text);
  const evaluation = evaluateSpec(tree, {
    macros: macrosFromRecord(macros, standardMacros()),
    target: "x86_64",
  });
  return significantText({ tree, evaluation, baseMacros: new Set(Object.keys(macros)) });
}
const edited = (from: string | RegExp, to: string): string => {
  const text = spec.replace(from, to);
  expect(text).not.toBe(spec);
  return text;
};

test("a macro that a build script defines does not hide what its comments are", () => {
  const text = spec.replace("%build\n", "%build\n%global more yes\n");
  expect(significant(text)).toBe(significant(text.replace("# How it is made\n", "")));
  expect(significant(text)).not.toBe(significant(spec));
});

test.each<[string, string | RegExp, string]>([
  ["a comment", "# What it is", "# What it was"],
  ["a comment more", "Name: ", "# The name\nName: "],
  ["a %dnl line", "Name: ", "%dnl The %{name}\nName: "],
  ["white space behind a tag", "Name:           a", "Name: a"],
  ["white space at the end of a tag", "License:        MIT", "License:        MIT  "],
  ["an empty line", "\n%prep", "\n\n\n%prep"],
  ["a comment in a description", "# Not shown", "# Hidden"],
  ["a comment in a build script", "# How it is made", "# How it was made"],
  ["an empty line in a build script", "# How it is made", "\n\n"],
  ["a comment behind a here-document", "# and again", "# and once more"],
  ["a comment in a file list", "# all of it\n", ""],
  ["a branch that its own condition switches off", "doxygen", "doxygen2"],
  ["a package that its own condition switches off", "The manual.", "Manuals."],
  ["an entry of the changelog", "- First", "- The first"],
  [
    "an entry more",
    "%changelog\n",
    "%changelog\n* Tue Jan 07 2020 B <b@example.org> - %{version}-%{release}\n- x\n\n",
  ],
])("%s does not count", (_what, from, to) => {
  expect(significant(edited(from, to))).toBe(significant(spec));
});

test.each<[string, string | RegExp, string]>([
  ["a tag", "License:        MIT", "License:        GPL-3.0-only"],
  ["a macro's definition", "flavour plain", "flavour fancy"],
  ["white space in a macro's definition", "flavour plain", "flavour plain "],
  ["the branch that holds", "BuildRequires:  gcc", "BuildRequires:  clang"],
  ["a branch that the build root decides", "fedora-only", "fedora-alone"],
  ["a build condition", "%bcond docs 0", "%bcond docs 1"],
  ["another build condition", "%bcond x11 1", "%bcond x11 0"],
  ["an empty line in a description", "First.\n\n", "First.\n"],
  ["the words of a description", "Last.", "End."],
  ["a command", "make -D", "make -j1 -D"],
  ["what looks like a comment in a here-document", "# kept\n", "# left\n"],
  ["what looks like a comment in a quotation", "# kept as well", "# left as well"],
  ["a comment behind a macro that nobody knows", "# nobody knows", "# who knows"],
  ["a comment in a scriptlet", "# in the header", "# in there"],
  ["a comment that calls a macro", "# What it is", "# What %{name} is"],
  ["a file", "%{_bindir}/a", "%{_bindir}/b"],
  ["a changelog's macro", "- First", "- %{first}"],
  ["that there is a changelog", /%changelog[^]*$/, ""],
])("%s counts", (_what, from, to) => {
  expect(significant(edited(from, to))).not.toBe(significant(spec));
});

test.each([
  ["by a definition of its own", "%global with_docs 1\n"],
  ["by a second declaration", "%bcond docs 1\n"],
  ["in Lua", "%{lua:rpm.define('with_' .. 'docs 1')}\n"],
  ["by a name that is put together", "%global with_%{flavour} 1\n"],
])("a condition that can be switched %s leaves both branches", (_how, line) => {
  const text = spec.replace("Name: ", `${line}Name: `);
  expect(significant(text)).not.toBe(significant(text.replace("doxygen", "doxygen2")));
});

test("a condition that the base can switch leaves both branches", () => {
  const switched = { _with_docs: "--with-docs" };
  const other = spec.replace("doxygen", "doxygen2");
  expect(significant(other, switched)).not.toBe(significant(spec, switched));
});

test("conditions of conditions", () => {
  const inside = (condition: string): string =>
    `%bcond on 1\n%bcond off 0\nName: a\n%if ${condition}\nURL: x\n%endif\n`;
  const holds = (condition: string): boolean | undefined => {
    const text = significant(inside(condition));
    if (text.includes("%if")) return undefined;
    return text.includes("URL");
  };
  expect(holds("%{with on} && %{without off}")).toBe(true);
  expect(holds("! %{with on}")).toBe(false);
  expect(holds("(%{with off} || 0) || %{with on}")).toBe(true);
  // rpm joins from the left, whatever the operator.
  expect(holds("1 || 1 && 0")).toBe(false);
  expect(holds("%{with other}")).toBe(undefined);
  expect(holds("0%{?rhel} >= 9 || %{with on}")).toBe(undefined);
  expect(holds("1 1")).toBe(undefined);
  expect(holds("(1")).toBe(undefined);
});

test("a section that begins behind an open condition is left as it is", () => {
  const text = (comment: string): string =>
    `Name: a\n%if 0%{?fedora}\n%build\n%else\n%post\n%endif\n# ${comment}\n`;
  expect(significant(text("one"))).not.toBe(significant(text("two")));
});

test.each([
  ["its own folder", "cp %{_specdir}/a.spec ."],
  ["the file itself", "grep Name ../SPECS/*"],
  ["a line's number", "echo %{__file_lineno}"],
])("a spec that can read %s counts whole", (_what, command) => {
  const text = spec.replace("make ", `${command}\nmake `);
  expect(significant(text)).toBe(text);
});

test.each([
  ["sed -n 1p $0", "the script itself"],
  ["echo $LINENO", "line numbers"],
  ["echo `date`", "a backquote"],
  ['echo "$(echo "a")"', "nested quotes"],
  ["echo $'a'", "another kind of quotes"],
  ["cat <<$end", "an unknown end of a here-document"],
])("comments behind `%s` count: %s", (command) => {
  const text = (comment: string): string => `Name: a\n%build\n${command}\n# ${comment}\nmake\n`;
  expect(significant(text("one"))).not.toBe(significant(text("two")));
});

test("what was taken is taken again", () => {
  expect(significant(significant(spec))).toBe(significant(spec));
});
