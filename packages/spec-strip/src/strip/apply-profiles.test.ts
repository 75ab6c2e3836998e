import { describe, expect, test } from "vitest";
import { macrosFromRecord, parseSpec, standardMacros } from "rpm-parser";
import { profileFileSchema } from "../profile/profile-file.ts";
import { profileFromFile } from "../profile/rule.ts";
import { applyProfiles, type StrippedSpec } from "./apply-profiles.ts";
import { describeUnmatched } from "./report.ts";

const options = { macros: macrosFromRecord({ dist: ".cr1" }, standardMacros()), target: "x86_64" };

const head = `Name: demo
Version: 1
Release: 1
Summary: Demo
License: MIT
`;

/** Strips a spec that begins with the tags every spec needs; the result is without them. */
function strip(body: string, rules: object): StrippedSpec & { readonly body: string } {
  const profile = profileFromFile("p", profileFileSchema.parse({ description: "why", ...rules }));
  const tree = parseSpec(head + body, "demo.spec");
  const stripped = applyProfiles(tree, options, [profile]);
  const again = applyProfiles(stripped.tree, options, [profile]);
  expect(again.text).toBe(stripped.text);
  expect(again.report.edits).toEqual([]);
  return { ...stripped, body: stripped.text.replace(head, "") };
}

const description = "%description\nText.\n";

describe("dependencies", () => {
  test.each([
    [
      "BuildRequires: gcc, pkgconfig(x11) >= 1.6  pkgconfig(zlib)\n",
      "BuildRequires: gcc, pkgconfig(zlib)\n",
    ],
    ["BuildRequires:\tpkgconfig(x11)\n# kept\n", "# kept\n"],
    ["BuildRequires: gcc, pkgconfig(x11)\n", "BuildRequires: gcc\n"],
    ["BuildRequires: (pkgconfig(x11) or wayland-devel)\n", "BuildRequires: wayland-devel\n"],
    ["BuildRequires: (a and (pkgconfig(x11) or libX11-devel)) b\n", "BuildRequires: a b\n"],
    ["BuildRequires: libX11-devel%{?_isa} >= %{version}\n", ""],
    [
      "BuildRequires: (%{name}-a or libX11-devel or %{name}-b%{?_isa} >= %{version})\n",
      "BuildRequires: (%{name}-a or %{name}-b%{?_isa} >= %{version})\n",
    ],
    ["%{?with_x11:BuildRequires: libX11-devel}\nBuildRequires: gcc\n", "BuildRequires: gcc\n"],
    ["%if 0\nBuildRequires: libX11-devel\n%endif\n", "%if 0\n%endif\n"],
    [
      "%global min 1.2\nBuildRequires: libX11-devel %{?min:>= %{min}}, gcc\n",
      "%global min 1.2\nBuildRequires: gcc\n",
    ],
    [
      "%global x libX11-devel libXext-devel\nBuildRequires: %{x}, gcc\n",
      "%global x libXext-devel\nBuildRequires: %{x}, gcc\n",
    ],
    ["BuildRequires: (foo if libX11-devel)\n", ""],
    ["BuildRequires: (foo if libX11-devel else bar)\n", "BuildRequires: bar\n"],
    ["BuildRequires: (foo unless libX11-devel)\n", "BuildRequires: foo\n"],
    ["BuildRequires: (libX11-devel if foo else bar)\n", "BuildRequires: (bar or foo)\n"],
    ["buildrequires : libX11-devel\n", ""],
  ])("%s", (before, after) => {
    const stripped = strip(before + description, {
      drop: { buildRequires: ["pkgconfig(x11)", "libX11*"] },
    });
    expect(stripped.body).toBe(after + description);
  });

  test("of every kind at once", () => {
    const body = `BuildRequires: libX11-devel\nRequires: libX11 a\nSuggests: libX11\n${description}`;
    expect(strip(body, { drop: { dependencies: ["libX11*"] } }).body).toBe(
      `Requires: a\n${description}`,
    );
  });

  test("of several names of one thing, one has to be found", () => {
    const rules = {
      packages: {
        demo: {
          drop: {
            requires: [
              { match: ["libX11", "libx11-6"], because: "it is X11" },
              { match: ["libxcb", "libxcb1"], because: "so is it" },
            ],
          },
        },
      },
    };
    const { report } = strip(`Requires: libx11-6\n${description}`, rules);
    expect(report.edits.map(({ reason }) => reason)).toEqual(["it is X11"]);
    expect(describeUnmatched(report.unmatched)).toEqual([
      "p: packages.demo.drop.requires: nothing found for libxcb (or 1 other names of it)",
    ]);
  });

  test("versions in a pattern limit it", () => {
    const rules = { drop: { requires: ["gtk < 3"] } };
    expect(strip(`Requires: gtk >= 3\nRequires: gtk = 2.9\n${description}`, rules).body).toBe(
      `Requires: gtk >= 3\n${description}`,
    );
  });

  test("what a macro makes is taken out of its expansion", () => {
    const body = `%global deps() BuildRequires: libX11-devel\\\nBuildRequires: gcc\n%deps\n${description}`;
    const stripped = strip(body, { drop: { buildRequires: ["libX11*"] } });
    expect(stripped.evaluation.package.buildRequires.map(({ text }) => text)).toEqual(["gcc"]);
    expect(stripped.body).toContain("# Was a macro");
  });

  test("weak dependencies and qualifiers", () => {
    const stripped = strip(
      `Recommends: a b\nRequires(post): /sbin/x\nSupplements: c\n${description}`,
      {
        drop: { recommends: ["*"], requires: ["/sbin/*"], supplements: ["c"] },
      },
    );
    expect(stripped.body).toBe(description);
  });

  test("each edit has its rule, its reason and its places", () => {
    const { report } = strip(`Requires: a\nRequires: b\nRequires: c\n${description}`, {
      drop: { requires: ["a", { match: "c", because: "c is big" }] },
    });
    expect(report.edits).toEqual([
      {
        what: "drop Requires a",
        rules: ["p: drop.requires: a"],
        reason: "why",
        before: { file: "demo.spec", line: 6, column: 1, text: "Requires: a\n" },
        after: { file: "demo.spec", line: 6, column: 1, text: "" },
      },
      {
        what: "drop Requires c",
        rules: ["p: drop.requires: c"],
        reason: "c is big",
        before: { file: "demo.spec", line: 8, column: 1, text: "Requires: c\n" },
        after: { file: "demo.spec", line: 7, column: 1, text: "" },
      },
    ]);
  });
});

describe("subpackages", () => {
  const body = `Recommends: %{name}-doc = %{version}
Requires: %{name}-libs%{?_isa}
${description}
%package doc
Summary: Manual
BuildRequires: gtk-doc
Requires: %{name}-libs

%description doc
Pages.

%package libs
Summary: Libraries
Suggests: demo-doc

%description libs
Code.

%install
make install

%post doc
something

%files
%license COPYING

%files libs
%{_libdir}/libdemo.so.1{,.*}

%files doc -f doc.list
%doc README
%dir %{_datadir}/gtk-doc
%{_datadir}/gtk-doc/html/
%{_mandir}/man3/x.3{,.gz}

%changelog
`;

  test("go with all that refers to them, and their files leave the build root", () => {
    expect(strip(body, { drop: { subpackages: ["*-doc"] } }).body)
      .toBe(`Requires: %{name}-libs%{?_isa}
BuildRequires: gtk-doc
${description}
%package libs
Summary: Libraries

%description libs
Code.

%install
make install

# What no package takes, as a profile wants it:
rm -rf %{buildroot}%{_datadir}/gtk-doc/html
rm -rf %{buildroot}%{_mandir}/man3/x.3
rm -rf %{buildroot}%{_mandir}/man3/x.3.gz
sed -n 's|^[^/]*/|/|p' %{_builddir}/%{?buildsubdir}/doc.list | while IFS= read -r file; do test -d "%{buildroot}$file" || rm -f "%{buildroot}$file"; done

%files
%license COPYING

%files libs
%{_libdir}/libdemo.so.1{,.*}

%changelog
`);
  });

  test("conditions that reach beyond a section stay", () => {
    const conditional = `${description}%if %{with doc}
%package doc
Summary: Manual
BuildRequires: gi-docgen
%description doc
Pages.
%endif
%prep
%if %{with doc}
%files doc
/usr/share/doc/x
%endif
%files
`;
    expect(strip(conditional, { drop: { subpackages: ["demo-doc"] } }).body).toBe(`%if %{with doc}
BuildRequires: gi-docgen
%endif
${description}%if %{with doc}
%endif
%prep
%if %{with doc}
%endif
%files
`);
  });
});

describe("build conditions", () => {
  test.each([
    ["%bcond x11 1\n", "%bcond x11 0\n"],
    ["%bcond_without x11\n", "%bcond_with x11\n"],
    ["%bcond_with x11\n", "%bcond_with x11\n"],
    ["%global with_x11 1\n", "%global with_x11 0\n"],
    ["%bcond x11 %{defined fedora}\n", "%bcond x11 0\n"],
    ["%bcond_without x11_more\n%bcond x11 1\n", "%bcond_without x11_more\n%bcond x11 0\n"],
  ])("%s", (before, after) => {
    const stripped = strip(before + description, { packages: { demo: { bcond: { x11: "off" } } } });
    expect(stripped.body).toBe(after + description);
    expect(stripped.report.unmatched).toEqual([]);
  });

  test("one that the spec does not declare is reported", () => {
    const { report } = strip(description, { packages: { demo: { bcond: { x11: "off" } } } });
    expect(report.unmatched.map(({ key, match }) => `${key}.${match}`)).toEqual([
      "packages.demo.bcond.x11",
    ]);
  });
});

describe("macros", () => {
  test.each([
    ["", "%global debug_package %{nil}\n"],
    ["%define debug_package x\n", "%define debug_package %{nil}\n"],
    ["%global debug_package %{nil}\n", "%global debug_package %{nil}\n"],
    [
      "%if %{with x}\n%global debug_package x\n%endif\n",
      "%global debug_package %{nil}\n%if %{with x}\n%global debug_package %{nil}\n%endif\n",
    ],
  ])("%j", (before, after) => {
    const macros = { debug_package: "%{nil}" };
    const stripped = strip(before + description, { macros });
    expect(stripped.body).toBe(after + description);
    expect(stripped.report.unmatched).toEqual([]);
  });

  test("several are defined in the order of their names, a package's own with them", () => {
    const profile = { macros: { b: "1", a: "1" }, packages: { demo: { macros: { b: "2" } } } };
    expect(strip(description, profile).body).toBe(`%global a 1\n%global b 2\n${description}`);
  });
});

describe("build options", () => {
  const build = (lines: string): string => `${description}%build\n${lines}`;
  test.each([
    ["%meson -Dx11=true -Dy=1\n", "%meson -Dx11=false -Dy=1\n"],
    ["%meson \\\n  -Dy=1\n", "%meson -Dx11=false \\\n  -Dy=1\n"],
    ["%meson_build\nmeson setup out\n", "%meson_build\nmeson setup -Dx11=false out\n"],
    ["%meson -Dx11=%{?with_x11:true}%{!?with_x11:false}\n", "%meson -Dx11=false\n"],
    [
      "%meson %{?with_x11:-Dx11=true}%{!?with_x11:-Dx11=false}\n",
      "%meson %{?with_x11:-Dx11=false}%{!?with_x11:-Dx11=false}\n",
    ],
    ["%meson %{?with_x11:-Dx11=true}\n", "%meson -Dx11=false %{?with_x11:-Dx11=false}\n"],
    ["%meson '-Dx11=true' \"-Dx11=true\"\n", "%meson '-Dx11=false' \"-Dx11=false\"\n"],
    ["# %meson -Dx11=true\n%meson -Dx11=false\n", "# %meson -Dx11=true\n%meson -Dx11=false\n"],
  ])("meson: %s", (before, after) => {
    const stripped = strip(build(before), { packages: { demo: { meson: { x11: false } } } });
    expect(stripped.body).toBe(build(after));
    expect(stripped.report.unmatched).toEqual([]);
  });

  test("for every spec: only where the spec sets it", () => {
    const rules = { meson: { gtk_doc: false } };
    expect(strip(build("%meson\n"), rules).body).toBe(build("%meson\n"));
    expect(strip(build("%meson -Dgtk_doc=true\n"), rules).body).toBe(
      build("%meson -Dgtk_doc=false\n"),
    );
  });

  test("options that are taken out", () => {
    const rules = { packages: { demo: { meson: { a: null } } } };
    expect(strip(build("%meson \\\n  -Da=1 \\\n  -Db=1\n"), rules).body).toBe(
      build("%meson \\\n  -Db=1\n"),
    );
    expect(strip(build("%meson \\\n  -Db=1 \\\n  -Da=1\n"), rules).body).toBe(
      build("%meson \\\n  -Db=1\n"),
    );
  });

  test("meson's own options have one form", () => {
    const rules = { packages: { demo: { meson: { auto_features: "disabled" } } } };
    expect(strip(build("%meson --auto-features=auto\n"), rules).body).toBe(
      build("%meson --auto-features=disabled\n"),
    );
  });

  test("autotools", () => {
    const rules = {
      packages: {
        demo: { autotools: { "with-x": false, "enable-static": null, "enable-nls": "yes" } },
      },
    };
    expect(strip(build("%configure --with-x --disable-static --with-xml\n"), rules).body).toBe(
      build("%configure --enable-nls=yes --without-x --with-xml\n"),
    );
  });

  test("cmake", () => {
    const rules = { packages: { demo: { cmake: { WITH_X: false, NEW: "a" } } } };
    expect(strip(build("%cmake -DWITH_X:BOOL=ON .\n%cmake_build\n"), rules).body).toBe(
      build("%cmake -DNEW=a -DWITH_X=OFF .\n%cmake_build\n"),
    );
  });
});

describe("files and filters", () => {
  test("paths leave %files and the build root", () => {
    const body = `${description}%install\nx\n\n%files\n%{_datadir}/gtk-doc/\n/usr/bin/a\n`;
    const rules = { filter: { files: ["%{_datadir}/gtk-doc/**"] } };
    expect(strip(body, rules).body).toBe(
      `${description}%install\nx\n\n# What no package takes, as a profile wants it:\nrm -rf %{buildroot}/usr/share/gtk-doc\n\n%files\n/usr/bin/a\n`,
    );
  });

  test("paths with spaces and characters of globs are taken as rpm takes them", () => {
    const body = `${description}%package doc\nSummary: d\n%description doc\nd\n%install\nx\n%files\n"/usr/a b"\n/usr/c\\[1]\n%files doc\n"/usr/share/x y/*"\n`;
    const rules = { drop: { subpackages: ["*-doc"] }, filter: { files: ["/usr/a *", "/usr/c*"] } };
    expect(strip(body, rules).body).toBe(
      `${description}%install\nx\n\n# What no package takes, as a profile wants it:\nrm -rf %{buildroot}/usr/a\\ *\nrm -rf %{buildroot}/usr/c*\nrm -rf %{buildroot}/usr/share/x\\ y/*\n%files\n`,
    );
  });

  test("automatic dependencies are filtered beside what the spec filters", () => {
    const rules = { filter: { autoRequires: ["libX11.so*"] } };
    const { text } = strip(description, rules);
    expect(text.split("\n")[0]).toBe(
      "%global __requires_exclude %{?__requires_exclude:%{__requires_exclude}|}^(libX11[.]so.*)$",
    );
    const own = strip(`%global __requires_exclude ^perl\n${description}`, rules);
    expect(own.body).toBe(`%global __requires_exclude ^perl|^(libX11[.]so.*)$\n${description}`);
  });
});

describe("languages", () => {
  const files = (header: string, entry: string): string =>
    `${description}%install\nmake install\n\n${header}\n/usr/bin/a\n${entry}`;
  test.each([
    [
      files("%files", "%{_datadir}/locale/*/LC_MESSAGES/%{name}.mo\n"),
      `${description}%install\nmake install\n%find_lang %{name}\n\n%files -f %{name}.lang\n/usr/bin/a\n`,
    ],
    [
      files("%files -f list", "%{_datadir}/locale\n"),
      `${description}%install\nmake install\n%find_lang %{name} --all-name\n\n%files -f list -f %{name}.lang\n/usr/bin/a\n`,
    ],
    ...[
      files("%files", "%lang(de) %{_datadir}/locale/de/LC_MESSAGES/a.mo\n"),
      files("%files", "%dir %{_datadir}/locale\n"),
      `${description}%install\n%find_lang a\n%files -f a.lang\n%{_datadir}/locale/x\n`,
    ].map((same) => [same, same]),
  ])("%s", (before, after) => {
    expect(strip(before, { findLang: true }).body).toBe(after);
  });

  test("of a name, for one package, are found wherever the spec lists them", () => {
    const rules = { packages: { demo: { findLang: "demo30" } } };
    const { body, report } = strip(files("%files", ""), rules);
    expect(body).toBe(
      `${description}%install\nmake install\n%find_lang demo30\n\n%files -f demo30.lang\n/usr/bin/a\n`,
    );
    expect(report.unmatched).toEqual([]);
  });
});

test("what a rule drops and cannot take out is told", () => {
  const tree = parseSpec(`${head}%include more.inc\n${description}`, "demo.spec");
  const reader = { read: () => Buffer.from("Requires: libX11\nRequires: b\n") };
  const rules = { description: "why", drop: { requires: ["libX11*"] } };
  const profile = profileFromFile("p", profileFileSchema.parse(rules));
  const { report, text } = applyProfiles(tree, { ...options, reader }, [profile]);
  expect(text).toBe(tree.source.text);
  expect(report.remaining).toEqual([
    {
      packageName: "demo",
      kind: "requires",
      dependency: "libX11",
      rule: "p: drop.requires: libX11*",
      place: { file: "more.inc", line: 1, column: 11 },
    },
  ]);
});

test("what is forbidden and still asked for is found", () => {
  const { report } = strip(`BuildRequires: (a or libX11-devel)\n${description}`, {
    forbid: ["libX11*"],
  });
  expect(report.forbidden).toMatchObject([
    { packageName: "demo", kind: "buildRequires", rule: "p: forbid: libX11*" },
  ]);
});
