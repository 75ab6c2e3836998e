import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type CommandResult, defaultStoreFolder, run, sha256File } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { syntheticLibraries, writeSyntheticSpecs } from "../tools/bench/synthetic-specs.ts";
import { Workspace } from "./workspace.ts";

/** Packages that are the same whoever builds them, where and when; and how it is found that some are not. */

let workspace: Workspace;

/** What a package can tell of where it was made: a file of it by name, and how it gets there. */
const leaks: Readonly<Record<string, string>> = {
  "host-name": "uname -n",
  user: "echo $LOGNAME $(id -u)",
  environment: "env | grep ELSEWHERE || :",
  locale: "echo $LC_ALL",
  zone: "date +%%Z",
  clock: "date +%%Y-%%m",
  order: "ls -U two",
  jobs: "echo %{_smp_build_ncpus}",
};

/** What tells nothing: hash tables have one order for all. */
const still: Readonly<Record<string, string>> = {
  nothing: "echo always the same",
  python: "python3 -c 'print(set(map(str, range(99))))'",
  perl: "perl -e 'my %%numbers = map { $_ => 1 } 1 .. 99; print keys %%numbers'",
};

const leaky = `Name: leaky
Version: 1.0
Release: 1%{?dist}
Summary: Tells where it was made, ${randomUUID()}
License: MIT
BuildArch: noarch
BuildRequires: gcc perl python3
%description
It tells.
%prep
mkdir two
touch two/a two/b two/c two/d
%install
mkdir -p %{buildroot}%{_datadir}/leaky
${Object.entries({ ...still, ...leaks })
  .map(([name, command]) => `(${command}) > %{buildroot}%{_datadir}/leaky/${name}`)
  .join("\n")}
%files
%{_datadir}/leaky
%changelog
* Mon Jan 06 2025 Some One <one@example.org> - 1.0-1
- First
`;

beforeAll(async () => {
  workspace = await Workspace.copy();
  for (const kind of ["rpm", "image"]) {
    await rm(workspace.path("specs", kind), { recursive: true, force: true });
  }
  await writeSyntheticSpecs(workspace.path("specs/rpm"), syntheticLibraries(2));
  await mkdir(workspace.path("specs/rpm/leaky"));
  await writeFile(workspace.path("specs/rpm/leaky/leaky.spec"), leaky);
});

afterAll(async () => {
  await rm(workspace.folder, { recursive: true, force: true });
});

/** Digests of a package's RPMs in a workspace, by file name. */
async function digests(name: string): Promise<Record<string, string>> {
  const folder = workspace.path("dist/rpms", name);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".rpm")).toSorted();
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file, await sha256File(path.join(folder, file))] as const),
    ),
  );
}

describe("rpm build --check-reproducible", () => {
  const check = async (name: string): Promise<CommandResult> =>
    workspace.cleanroom(["rpm", "build", name, "--check-reproducible", "--json"]);

  test("finds all that a package can tell of its surroundings, and nothing else", async () => {
    const { exitCode, stdout, stderr } = await check("leaky");
    expect(stderr).toContain("order of files");
    const [result] = JSON.parse(stdout) as readonly {
      isReproducible: boolean;
      differences: readonly { what: string }[];
      report: string;
    }[];
    expect(result?.isReproducible).toBe(false);
    const files = result?.differences.flatMap(({ what }) => /^file (.*)/.exec(what)?.[1] ?? []);
    expect(files).toEqual(
      Object.keys(leaks)
        .map((name) => `/usr/share/leaky/${name}`)
        .toSorted(),
    );
    expect(exitCode).toBe(1);
    expect(await readFile(result?.report ?? "", "utf8")).toContain("elsewhere.example.org");
  });

  test("passes libraries that tell nothing", async () => {
    const { exitCode, stdout } = await check("lib0001");
    expect(JSON.parse(stdout)).toMatchObject([{ isReproducible: true, differences: [] }]);
    expect(exitCode).toBe(0);
  });
});

describe("a build by somebody else, on a host of another name, with the store at another path", () => {
  test("makes the same packages, bit for bit", async () => {
    const spec = "specs/rpm/lib0000/lib0000.spec";
    const here = await workspace.cleanroom(["rpm", "build", "lib0000"]);
    expect(here).toMatchObject({ exitCode: 0 });
    const expected = await digests("lib0000");
    // Another key, and the same package.
    await workspace.edit(spec, (text) => `%global elsewhere ${randomUUID()}\n${text}`);
    const folder = workspace.path("another place");
    await mkdir(folder);
    const script = `set -e
      mount -t tmpfs -o mode=755 none "$1"
      mkdir "$1/upper" "$1/work" "$1/a store"
      mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/a store"
      hostname elsewhere
      umask 077
      export HOME="$1" XDG_CACHE_HOME="$3" USER=somebody LOGNAME=somebody
      export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo
      export CFLAGS=-O3 PKG_CONFIG_PATH=/nowhere SOURCE_DATE_EPOCH=1
      ./cleanroom --store "$1/a store" rpm build lib0000 --no-ccache --jobs 1`;
    const store = defaultStoreFolder(process.env);
    const there = await run(
      "unshare",
      [
        ...["--user", "--map-root-user", "--mount", "--uts", "sh", "-c", script, "sh"],
        ...[folder, store, path.dirname(store)],
      ],
      { cwd: workspace.folder, accept: [0, 1, 2, 70] },
    );
    expect(there.stderr).toContain("lib0000: built");
    expect(there.exitCode).toBe(0);
    expect(await digests("lib0000")).toEqual(expected);
  });
});
