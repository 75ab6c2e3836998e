import { mkdir, writeFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { Workspace } from "./workspace.ts";

/** What an edit in a spec rebuilds: three small packages, of which `high` is built with `low`. */

const spec = (name: string, more: string, script: string): string => `Name: ${name}
Version: 1
Release: 1%{?dist}
Summary: The package ${name}
License: MIT
BuildArch: noarch
${more}
%description
The package ${name}.

%install
install -d %{buildroot}%{_datadir}/${name}
${script}

%files
%{_datadir}/${name}/

%changelog
* Tue Nov 24 2026 Cleanroom <maintainers@cleanroom.example> - 1-1
- First package
`;

const packages = ["cutoff-low", "cutoff-high", "cutoff-other"] as const;
const fileOf = (name: string): string => `specs/rpm/${name}/${name}.spec`;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await Workspace.copy();
  const [low, high, other] = packages;
  const specs = {
    [low]: spec(low, "", `echo one > %{buildroot}%{_datadir}/${low}/data`),
    [high]: spec(
      high,
      `BuildRequires: ${low}`,
      `cp %{_datadir}/${low}/data %{buildroot}%{_datadir}/${high}`,
    ),
    [other]: spec(other, "", `echo other > %{buildroot}%{_datadir}/${other}/data`),
  };
  for (const [name, text] of Object.entries(specs)) {
    await mkdir(workspace.path("specs/rpm", name));
    await writeFile(workspace.path(fileOf(name)), text);
  }
  await workspace.git("add", "-A");
  await workspace.commit("three packages");
  expect(await built()).toEqual(expect.not.arrayContaining(["glib2"]));
});

/** Has Nx build the packages, and says which of them rpmbuild or the store had to be asked for. */
async function built(): Promise<string[]> {
  const { stdout } = await workspace.nx(
    ...["run-many", "-t", "rpm", "-p", packages.join(","), "--parallel=1"],
    "--output-style=static",
  );
  expect(stdout).toContain("Successfully ran target rpm");
  const fromCache = /\[(?:local|remote) cache\]|existing outputs/;
  return [...stdout.matchAll(/nx run (\S+):rpm(?!\S)(.*)/g)]
    .flatMap(([, name = "", how = ""]) =>
      fromCache.test(how) || !packages.some((one) => one === name) ? [] : [name],
    )
    .toSorted();
}

test("nothing is built when nothing changed", async () => {
  expect(await built()).toEqual([]);
});

test("an edit that leaves the packages' bytes alone rebuilds that package alone", async () => {
  await workspace.edit(fileOf("cutoff-low"), (text) =>
    text.replace("%install", `%global cutoff_run ${Date.now()}\n%install\n: %{cutoff_run}`),
  );
  expect(await built()).toEqual(["cutoff-low"]);
});

test("one that changes them rebuilds it and what is built with it, and nothing else", async () => {
  await workspace.edit(fileOf("cutoff-low"), (text) =>
    text.replace("echo one", `echo ${Date.now()}`),
  );
  expect(await built()).toEqual(["cutoff-high", "cutoff-low"]);
});
