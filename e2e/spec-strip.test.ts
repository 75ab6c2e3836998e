import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CommandResult, run } from "@cleanroom/core";
import fastGlob from "fast-glob";
import { beforeAll, describe, expect, test } from "vitest";

const workspace = path.resolve(import.meta.dirname, "..");
const anyExitCode = Array.from({ length: 256 }, (_, code) => code);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "spec-strip-"));
});

const spec = (...words: readonly string[]): Promise<CommandResult> =>
  run(process.execPath, ["packages/cli/src/main.ts", "spec", ...words], {
    cwd: workspace,
    accept: anyExitCode,
  });

async function strip(file: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await spec("strip", ...words, file);
  const target = path.join(folder, path.basename(file));
  await writeFile(target, stdout);
  return target;
}

const rpmspec = async (file: string, ...query: readonly string[]): Promise<string[]> => {
  const { stdout } = await run("rpmspec", ["--define", "dist .x", "-q", ...query, file]);
  return stdout.split("\n").filter((line) => line !== "");
};

describe("the specs of this repository, with the profiles that each asks for", async () => {
  const files = await fastGlob("specs/rpm/*/*.spec", { cwd: workspace });
  test.each(files.toSorted())("%s", async (file) => {
    const stripped = await strip(
      path.join(workspace, file),
      "--profile",
      "no-x11",
      "--profile",
      "slim",
    );
    const asked = [
      ...(await rpmspec(stripped, "--buildrequires")),
      ...(await rpmspec(stripped, "--requires")),
    ];
    expect(asked.filter((one) => /x11|xcb|libX[^m]/i.test(one))).toEqual([]);
    expect(await rpmspec(stripped, "--qf", "[%{RECOMMENDNAME}\n]")).toEqual([]);
  });
});

test("a full-featured gtk3 becomes broadway-only by profiles alone", async () => {
  const file = path.join(workspace, "specs/rpm/gtk3/gtk3.spec");
  const before = await rpmspec(file, "--buildrequires");
  expect(before).toContain("pkgconfig(x11)");
  expect(before.join()).toContain("pkgconfig(wayland-client)");
  const stripped = await strip(file, "--profile", "no-x11", "--profile", "slim");
  const after = await rpmspec(stripped, "--buildrequires");
  expect(after.filter((one) => !before.includes(one))).toEqual([]);
  expect(after.filter((one) => /x11|xi\b|wayland|cups|colord/.test(one))).toEqual([]);
  const { stdout } = await run("rpmspec", ["--define", "dist .x", "-P", stripped]);
  expect(stdout).toMatch(/-Dx11_backend=false/);
  expect(stdout).toMatch(/-Dwayland_backend=false/);
  expect(stdout).toMatch(/-Dbroadway_backend=true/);
});

const demo = `Name: demo
Version: 1
Release: 1
Summary: Demo
License: MIT
BuildArch: noarch
Recommends: demo-doc
%description
x
%package doc
Summary: Manual
%description doc
x
%package lang
Summary: Words
%description lang
x
%prep
%build
%install
install -D -m755 /dev/stdin %{buildroot}%{_bindir}/demo <<'END'
#!/usr/bin/python9
END
for name in a.html b.css; do install -D /dev/null %{buildroot}%{_docdir}/demo/html/$name; done
install -D /dev/null %{buildroot}%{_mandir}/man1/demo.1
install -D /dev/null %{buildroot}%{_datadir}/locale/de/LC_MESSAGES/demo.mo
echo '%lang(de) %{_datadir}/locale/de/LC_MESSAGES/demo.mo' > demo.lang
%files
%{_bindir}/demo
%{_mandir}/man1/demo.1*
%files doc
%dir %{_docdir}/demo
%{_docdir}/demo/html/*.{html,css}
%files lang -f demo.lang
`;

const profile = `description: as little as can be
drop: { recommends: ["*"], subpackages: ["*-doc", "*-lang"] }
filter: { autoRequires: [/usr/bin/python*], files: ["%{_mandir}/**"] }
`;

test("rpmbuild builds what is left: no file without a package, no dropped dependency", async () => {
  const file = path.join(folder, "in/demo.spec");
  await mkdir(path.dirname(file));
  await writeFile(file, demo);
  await writeFile(path.join(folder, "small.yaml"), profile);
  const stripped = await strip(file, "--profile", path.join(folder, "small.yaml"));
  await run("rpmbuild", ["-bb", "--define", `_topdir ${folder}/top`, stripped]);
  const made = await readdir(path.join(folder, "top/RPMS/noarch"));
  expect(made).toEqual(["demo-1-1.noarch.rpm"]);
  const rpm = path.join(folder, "top/RPMS/noarch/demo-1-1.noarch.rpm");
  const { stdout: files } = await run("rpm", ["-qlp", rpm]);
  expect(files).toBe("/usr/bin/demo\n");
  const { stdout: requires } = await run("rpm", ["-qp", "--requires", "--recommends", rpm]);
  expect(requires.split("\n").filter((one) => !one.startsWith("rpmlib("))).toEqual([""]);
});

test("rules that find nothing are warnings, and failures with --strict", async () => {
  const file = path.join(folder, "plain.yaml");
  await writeFile(file, "description: x\ndrop: { requires: [nothing-of-this-name] }\n");
  const target = path.join(workspace, "specs/rpm/gtk3/gtk3.spec");
  const lenient = await spec("strip", "--profile", file, target);
  expect(lenient.exitCode).toBe(0);
  expect(lenient.stderr).toContain("plain: drop.requires: nothing found for nothing-of-this-name");
  const strict = await spec("strip", "--strict", "--profile", file, target);
  expect(strict.exitCode).toBe(1);
});

test("spec diff says what a profile changed, in terms of meaning", async () => {
  const file = path.join(workspace, "specs/rpm/gtk3/gtk3.spec");
  const stripped = await strip(file, "--profile", "no-x11");
  const { stdout } = await spec("diff", "--json", file, stripped);
  const changes = JSON.parse(stdout) as { subject: string; before: string; after: string }[];
  expect(changes).toContainEqual(
    expect.objectContaining({ subject: "conditions", before: "x11 on", after: null }),
  );
  expect(changes).toContainEqual(
    expect.objectContaining({ subject: "buildRequires", before: "pkgconfig(x11)" }),
  );
});
