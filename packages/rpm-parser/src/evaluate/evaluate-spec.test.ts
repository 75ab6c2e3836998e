import { describe, expect, it } from "vitest";
import { standardMacros } from "../macro/standard-macros.ts";
import { macrosFromRecord } from "../macro/table.ts";
import { staticProvides } from "../model/static-provides.ts";
import { parseSpec } from "../syntax/parse-spec.ts";
import { evaluateSpec, type Evaluation, type EvaluationOptions } from "./evaluate-spec.ts";

const macros = macrosFromRecord({ dist: ".t1" }, standardMacros());

function evaluate(text: string, options: Partial<EvaluationOptions> = {}): Evaluation {
  return evaluateSpec(parseSpec(text, "t.spec"), { macros, ...options });
}

const head = "Name: t\nVersion: 1.2\nRelease: 3%{?dist}\nSummary: A test\nLicense: MIT\n";
const spec = `%bcond_with docs
%bcond_without tls
${head}URL: https://example.org/%{name}
Source0: %{url}/%{name}-%{version}.tar.xz
Source:  extra.conf
Patch10: fix.patch
Patch: more.patch
BuildRequires: gcc, pkgconfig(glib-2.0) >= 2.80
%if %{with docs}
BuildRequires: gtk-doc
%endif
%{?with_tls:BuildRequires: (openssl-devel or libressl-devel)}
Requires(post): coreutils
%description
A test.

%package devel
Summary: Headers for %{name}
Requires: %{name}%{?_isa} = %{version}-%{release}
%description devel
Headers of %{name}.

%package -n t-tools
Summary: Tools
BuildArch: noarch
%description -n t-tools
Tools.

%prep
%autosetup -n %{name}
%build
%meson -Dtls=%[0%{?with_tls} ? "true" : "false"]

%post -p /sbin/ldconfig

%files
%license COPYING
%{_libdir}/libt.so.1*
%{_libdir}/girepository-1.0/T-1.0.typelib
%config(noreplace) %attr(0640,root,daemon) %{_sysconfdir}/t.conf

%files devel
%{_libdir}/pkgconfig/t-1.pc
%{_includedir}/t/

%changelog
* Mon Jan 06 2020 Some One <one@example.org> - 1.2-3
- a change
`;

describe("evaluateSpec", () => {
  const { package: source, accepted, diagnostics } = evaluate(spec);

  it("accepts a good spec", () => {
    expect(diagnostics).toEqual([]);
    expect(accepted).toBe(true);
  });

  it("knows the source package", () => {
    expect(source).toMatchObject({
      name: "t",
      epoch: null,
      version: "1.2",
      release: "3.t1",
      arch: "x86_64",
      url: "https://example.org/t",
      hasDynamicBuildRequires: false,
    });
    expect(source.buildRequires.map((one) => one.text)).toEqual([
      "(openssl-devel or libressl-devel)",
      "gcc",
      "pkgconfig(glib-2.0) >= 2.80",
    ]);
    expect(source.buildRequires[1]?.place).toEqual({ file: "t.spec", line: 13, column: 16 });
    expect(source.sources.map((one) => [one.number, one.fileName, one.url])).toEqual([
      [0, "t-1.2.tar.xz", "https://example.org/t/t-1.2.tar.xz"],
      [1, "extra.conf", undefined],
    ]);
    expect(source.patches.map((one) => [one.number, one.fileName])).toEqual([
      [10, "fix.patch"],
      [11, "more.patch"],
    ]);
    expect(source.buildConditions.map((one) => [one.name, one.isDefault, one.isEnabled])).toEqual([
      ["docs", false, false],
      ["tls", true, true],
    ]);
    expect(source.changelog).toMatchObject([
      { timeSeconds: 1578312000, author: "Some One <one@example.org> - 1.2-3", text: "- a change" },
    ]);
  });

  it("knows the packages", () => {
    expect(source.packages.map((one) => [one.name, one.arch, one.files?.length])).toEqual([
      ["t", "x86_64", 4],
      ["t-devel", "x86_64", 2],
      ["t-tools", "noarch", undefined],
    ]);
    const [main, devel] = source.packages;
    expect(main?.requires.map((one) => [one.text, one.qualifiers])).toEqual([
      ["/sbin/ldconfig", ["interp", "post"]],
      ["coreutils", ["post"]],
    ]);
    expect(devel?.requires.map((one) => one.text)).toEqual(["t(x86-64) = 1.2-3.t1"]);
    expect(devel?.summary).toBe("Headers for t");
    expect(main?.files?.[3]).toMatchObject({
      path: "/etc/t.conf",
      directives: ["config"],
      configFlags: ["noreplace"],
      mode: "0640",
      user: "root",
      group: "daemon",
    });
  });

  it("says what the packages provide before anything is built", () => {
    expect(staticProvides(source).map((one) => `${one.packageName}: ${one.text}`)).toEqual([
      "t: t = 1.2-3.t1",
      "t: t(x86-64) = 1.2-3.t1",
      "t: libt.so.1()(64bit)",
      "t: /usr/lib64/girepository-1.0/T-1.0.typelib",
      "t: typelib(T) = 1.0",
      "t: /etc/t.conf",
      "t-devel: t-devel = 1.2-3.t1",
      "t-devel: t-devel(x86-64) = 1.2-3.t1",
      "t-devel: /usr/lib64/pkgconfig/t-1.pc",
      "t-devel: pkgconfig(t-1)",
      "t-devel: /usr/include/t/",
    ]);
  });

  it("takes build conditions from its caller", () => {
    const switched = evaluate(spec, { with: ["docs"], without: ["tls"] }).package;
    expect(switched.buildRequires.map((one) => one.text)).toEqual([
      "gcc",
      "gtk-doc",
      "pkgconfig(glib-2.0) >= 2.80",
    ]);
    expect(switched.buildScripts["build"]).toContain("-Dtls=false");
  });

  it("reads a spec with BuildArch a second time", () => {
    const noarch = evaluate(
      `${head}BuildArch: noarch\n%description\n%ifarch noarch\nyes\n%endif\n`,
    );
    expect(noarch.package).toMatchObject({ arch: "noarch", description: "\nyes" });
    expect(noarch.package.packages[0]?.provides.map((one) => one.text)).toEqual(["t = 1.2-3.t1"]);
  });

  it("reads included files through the reader it is given", () => {
    const reader = {
      read: (path: string) =>
        path === "/s/more.inc" ? Buffer.from("Requires: from-include\n") : undefined,
    };
    const text = `${head}%include /s/more.inc\n%description\n`;
    const found = evaluate(text, { reader });
    expect(found.package.packages[0]?.requires.map((one) => one.text)).toEqual(["from-include"]);
    expect(evaluate(text).diagnostics[0]).toMatchObject({
      code: "include-unreadable",
      place: { line: 6 },
    });
  });

  it("never runs a shell by itself", () => {
    const text = `${head}%global who %(whoami)\n%description\n`;
    expect(evaluate(text).diagnostics[0]).toMatchObject({
      code: "shell-not-run",
      severity: "warning",
      place: { file: "t.spec", line: 6, column: 1 },
    });
    const asked: string[] = [];
    const run = (command: string): { output: string } => {
      asked.push(command);
      return { output: "me\n" };
    };
    const found = evaluate(text, { shell: { kind: "run", run } });
    expect(found.macros.get("who")?.body).toBe("me");
    expect(asked).toEqual(["whoami"]);
  });

  it("goes on after errors, and says where they are", () => {
    const broken = evaluate(
      `${head}Nonsense: 1\nRequires: a >=\n%if (\nx\n%endif\n%description\nd\n`,
    );
    expect(broken.accepted).toBe(false);
    expect(broken.diagnostics.map((one) => [one.code, one.place.line])).toEqual([
      ["tag-unknown", 6],
      ["dependency-syntax", 7],
      ["condition-bad", 8],
    ]);
    expect(broken.package.packages[0]?.description).toBe("d");
  });

  it("tells through which macros an error came", () => {
    const { diagnostics: found } = evaluate(
      `%define inner %{error:stop}\n%define outer() %inner\n${head}%outer\n%description\n`,
    );
    expect(found[0]?.message).toBe("stop");
    expect(found[0]?.chain.map((one) => one.through)).toEqual(["%outer", "%inner"]);
  });

  it("ends recursion and expansion bombs with an error", () => {
    const recursive = evaluate(`%define a %a\n${head}%a\n%description\n`);
    expect(recursive.diagnostics[0]?.code).toBe("macro-recursion");
    const doubling = Array.from({ length: 40 }, (_, n) => `%define b${n + 1} %b${n}%b${n}`);
    const bomb = evaluate(
      `%define b0 xxxxxxxx\n${doubling.join("\n")}\n${head}%b40\n%description\n`,
    );
    expect(bomb.diagnostics[0]?.code).toBe("macro-too-large");
  });

  it("keeps what the first reading did not know, once", () => {
    const spec = `%{!?v: %global v %(tclsh)}
Name: t
Version: 1
Release: 1
Summary: s
License: l
BuildArch: noarch
%description
%{v}
`;
    const { diagnostics } = evaluateSpec(parseSpec(spec, "t.spec"), { macros: standardMacros() });
    expect(diagnostics.map(({ code, place }) => [code, place.line])).toEqual([
      ["shell-not-run", 1],
    ]);
  });
});
