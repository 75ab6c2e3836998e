import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import path from "node:path";
import { mapConcurrent } from "@cleanroom/core";
import { readRpmHeader } from "rpm-parser";
import { readProfiles } from "@cleanroom/spec-strip";
import { beforeAll, describe, expect, test } from "vitest";
import { importedBase } from "./repo-publisher-fixture.ts";
import { Workspace } from "./workspace.ts";

/** What profiles come to in built packages, in the base and in an image. */

const spec = `Name: probe
Version: 1.0
Release: 1%{?dist}
Summary: Compresses as ${randomUUID()}
License: MIT
Source0: probe.c
BuildRequires: gcc
BuildRequires: pkgconfig(zlib)
BuildRequires: pkgconfig(libpng)
BuildRequires: pkgconfig(libjpeg)
BuildRequires: pkgconfig(expat)
%description
Compresses.
%package extra
Summary: More
BuildArch: noarch
%description extra
More.
%prep
%setup -c -T
cp %{SOURCE0} .
%build
# One is used, of one pkg-config alone is asked, one is only looked at, and one is never thought of.
pkg-config --exists libpng
test -e %{_includedir}/expat.h
gcc %{optflags} $(pkg-config --cflags zlib) -o probe probe.c $(pkg-config --libs zlib)
%install
install -D probe %{buildroot}%{_bindir}/probe
install -D probe.c %{buildroot}%{_datadir}/probe/probe.c
%files
%{_bindir}/probe
%files extra
%{_datadir}/probe
`;

const program = `#include <stdio.h>
#include <zlib.h>
int main(void) { puts(zlibVersion()); return 0; }
`;

const image = `base: debian-trixie
packages: [base-files, libc-bin, probe]
entrypoint: [/usr/bin/probe]
slim: { docs: false, files: [/usr/include/**] }
policy: { profiles: [no-zlib] }
`;

interface Suggestion {
  readonly kind: string;
  readonly packageName: string;
  readonly dependency?: string;
  readonly sparedBytes: number;
  readonly why: string;
}

/** The store that the tests share may have built a probe before. */
const neverBuilt = `probe-${randomUUID()}`;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.copy();
  for (const folder of ["specs/rpm", "specs/image"]) {
    await rm(workspace.path(folder), { recursive: true });
  }
  await mkdir(workspace.path("specs/rpm/probe"), { recursive: true });
  await mkdir(workspace.path("specs/image/tiny"), { recursive: true });
  await writeFile(workspace.path("specs/rpm/probe/probe.spec"), spec);
  await writeFile(workspace.path("specs/rpm/probe/probe.c"), program);
  await mkdir(workspace.path(`specs/rpm/${neverBuilt}`), { recursive: true });
  await writeFile(
    workspace.path(`specs/rpm/${neverBuilt}/${neverBuilt}.spec`),
    `Name: ${neverBuilt}\nVersion: 1\nRelease: 1\nSummary: None\nLicense: MIT\n%description\nNone.\n`,
  );
  await writeFile(workspace.path("specs/image/tiny/image.yaml"), image);
  const profile = "description: Nothing is compressed\nforbid: [libz.so*]\n";
  await writeFile(workspace.path("specs/profile/no-zlib.yaml"), profile);
});

async function suggestions(name = "probe"): Promise<{
  readonly found: readonly Suggestion[];
  readonly stderr: string;
}> {
  const { stdout, stderr } = await workspace.cleanroom([
    ...["spec", "strip", "--suggest", "--json", name],
  ]);
  return { found: (JSON.parse(stdout) as { suggestions: Suggestion[] }).suggestions, stderr };
}

describe("suggestions", () => {
  test("there are none for what was never built, and that is said", async () => {
    const { found, stderr } = await suggestions(neverBuilt);
    expect(found).toEqual([]);
    expect(stderr).toContain("not built yet, so their needs are not known:");
    expect(stderr).toContain(neverBuilt);
  });

  test("after a build they tell what it had no use for, and what it would spare", async () => {
    const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build", "probe"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const { found } = await suggestions();
    const whys = new Map(found.map((one) => [one.dependency ?? one.packageName, one]));
    expect([...whys.keys()].toSorted()).toEqual([
      ...["pkgconfig(expat)", "pkgconfig(libjpeg)", "pkgconfig(libpng)", "probe-extra"],
    ]);
    expect(whys.get("pkgconfig(libjpeg)")?.why).toMatch(/^never opened: .*libjpeg62-turbo-dev/);
    expect(whys.get("pkgconfig(expat)")?.why).toMatch(/^never opened: /);
    expect(whys.get("pkgconfig(libpng)")?.why).toMatch(/^opened only by pkg-config: .*libpng/);
    // The library goes with its headers.
    expect(whys.get("pkgconfig(libjpeg)")?.sparedBytes).toBeGreaterThan(500_000);
    expect(whys.get("probe-extra")).toMatchObject({ kind: "subpackage" });
  });
});

test("an image that holds what its profiles forbid is not made, whoever built the package", async () => {
  const { exitCode, stderr } = await workspace.cleanroom(["up", "tiny", "--no-run"]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /image tiny holds what its profiles forbid:\n +probe-1\.0-1\S*: \/usr\/bin\/probe needs libz\.so\.1 \(no-zlib: forbid: libz\.so\*\)/,
  );
});

describe("the base", () => {
  test("holds nothing that its profiles forbid: neither a build root nor an image can", async () => {
    const { repository, file } = await importedBase();
    expect(file.profiles).toContain("no-x11");
    const rules = (await readProfiles(workspace.folder, file.profiles)).flatMap(
      ({ forbid }) => forbid,
    );
    const folder = path.join(repository, "Packages");
    const names = await readdir(folder);
    const headers = await mapConcurrent(names, 2, (name) =>
      readRpmHeader(createReadStream(path.join(folder, name))),
    );
    expect(headers.length).toBeGreaterThan(200);
    const wrong = headers.flatMap(({ nevra, requires, provides, files }) => [
      ...[...requires, ...provides]
        .filter(({ name }) => rules.some((rule) => rule.matches({ name })))
        .map(({ text }) => `${nevra}: ${text}`),
      ...files
        .filter((one) =>
          /^\/usr\/include\/(?:X11|xcb|unicode)\b|hb-icu|\/glx\w*\.h$/.test(one.path),
        )
        .map((one) => `${nevra}: ${one.path}`),
    ]);
    expect(wrong).toEqual([]);
    const egl = headers.find(({ name }) => name === "libegl-dev");
    expect(egl?.files.map((one) => one.path)).toContain("/usr/include/EGL/egl.h");
    const rsvg = headers.find(({ name }) => name === "librsvg2-2");
    const needs = rsvg?.requires.map(({ name }) => name);
    // What the specs build meets it; Debian's own cairo would bring X11 along.
    expect(needs).toContain("libcairo.so.2()(64bit)");
    expect(needs).not.toContain("libcairo2");
  });
});
