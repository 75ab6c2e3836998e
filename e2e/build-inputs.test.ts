import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { defaultStoreFolder, run } from "@cleanroom/core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { syntheticLibraries, writeSyntheticSpecs } from "../tools/bench/synthetic-specs.ts";
import { Workspace } from "./workspace.ts";

/**
 * All that can influence what a build makes is in its action key: whatever is varied makes a new
 * build, and a build that is traced opens nothing else.
 */

let workspace: Workspace;

const folder = "specs/rpm/lib0001";
const spec = `${folder}/lib0001.spec`;
const dependency = "specs/rpm/lib0000";

beforeAll(async () => {
  workspace = await Workspace.copy();
  for (const kind of ["rpm", "image"]) {
    await rm(workspace.path("specs", kind), { recursive: true, force: true });
  }
  await writeSyntheticSpecs(workspace.path("specs/rpm"), syntheticLibraries(2));
  await workspace.edit(spec, (text) =>
    text
      .replace("Source0:", "%bcond extra 1\nPatch0: lib0001.patch\nSource0:")
      .replace("%build\n", "%build\npatch -p1 < %{PATCH0}\n%{?with_extra:touch extra}\n"),
  );
  const patch = `--- a/lib0001.c\n+++ b/lib0001.c\n@@ -1,1 +1,1 @@\n-/* One of many. */\n+/* One of two. */\n`;
  await writeFile(workspace.path(folder, "lib0001.patch"), patch);
  await workspace.git("add", "-A");
  await workspace.commit("two libraries");
  const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build"]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
});

afterEach(async () => {
  await workspace.git("checkout", "--", ".");
  await workspace.git("clean", "--quiet", "--force", "-d", "specs");
});

afterAll(async () => {
  await rm(workspace.folder, { recursive: true, force: true });
});

interface Explanation {
  readonly id: string;
  readonly state: string;
  readonly changes: readonly { readonly kind: string; readonly name: string }[];
}

/** What `rpm explain` says of a library, as `state` and `kind name` of each change. */
async function explained(name = "lib0001"): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await workspace.cleanroom([
    ...["rpm", "explain", name, "--json"],
  ]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
  const found = (JSON.parse(stdout) as readonly Explanation[]).find(({ id }) => id === name);
  return [
    found?.state ?? "absent",
    ...(found?.changes ?? []).map(({ kind, name }) => `${kind} ${name}`),
  ];
}

const edit = (file: string, before: string, after: string) => async (): Promise<void> =>
  workspace.edit(file, (text) => text.replace(before, after));

describe("what makes a new build", () => {
  test.each<[string, () => Promise<void>, readonly string[]]>([
    ["nothing", async () => undefined, []],
    ["a comment in the spec", edit(spec, "Name:", "# A comment.\nName:"), []],
    ["a changelog entry's text", edit(spec, "- First", "- The first"), []],
    ["a build script", edit(spec, "%build\n", "%build\ntrue\n"), ["spec spec"]],
    ["a file list", edit(spec, "%files devel\n", "%files devel\n%dir /\n"), ["spec spec"]],
    ["a build condition", edit(spec, "%bcond extra 1", "%bcond extra 0"), ["spec spec"]],
    [
      "a build condition that a profile switches",
      async () => {
        await writeFile(workspace.path(folder, "package.yaml"), "profiles: [lean]\n");
        const profile = "description: Lean\npackages: { lib0001: { bcond: { extra: off } } }\n";
        await writeFile(workspace.path("specs/profile/lean.yaml"), profile);
      },
      ["spec spec"],
    ],
    ["a source", edit(`${folder}/lib0001.c`, "many", "the many"), ["source lib0001.c"]],
    ["a patch", edit(`${folder}/lib0001.patch`, "two", "all"), ["source lib0001.patch"]],
    [
      "a source more",
      async () => {
        await edit(spec, "Source1:", "Source9: more\nSource1:")();
        await writeFile(workspace.path(folder, "more"), "");
      },
      ["spec spec", "source more"],
    ],
    [
      "a package more in the build root",
      edit(spec, "BuildRequires:  gcc", "BuildRequires: gcc, bison"),
      ["spec spec", "package bison"],
    ],
  ])("%s", async (_what, change, changes) => {
    await change();
    const [state, ...found] = await explained();
    expect(state).toBe(changes.length === 0 ? "up-to-date" : "would-run");
    // A package may bring others with it.
    expect(found).toEqual(expect.arrayContaining([...changes]));
    expect(found.filter((one) => !one.startsWith("package "))).toEqual(
      changes.filter((one) => !one.startsWith("package ")),
    );
  });

  test("a macro, for all packages", async () => {
    const base = "specs/base/debian-trixie/base.yaml";
    await edit(base, "\nmacros:\n", '\nmacros:\n  new_one: "1"\n')();
    expect(await explained("lib0000")).toEqual(["would-run", "macro new_one"]);
    expect(await explained()).toEqual(["depends"]);
  });

  test("a dependency that came out otherwise, and nothing of it that came out the same", async () => {
    // A comment that the store, which tests share, has not seen.
    await edit(`${dependency}/lib0000.c`, "many", randomUUID())();
    expect(await explained()).toEqual(["depends"]);
    expect(await workspace.cleanroom(["rpm", "build", "lib0000"])).toMatchObject({ exitCode: 0 });
    expect(await explained()).toEqual(["up-to-date"]);
    await edit(`${dependency}/lib0000.c`, "return 1", `return ${1 + (Date.now() % 1e6)}`)();
    expect(await workspace.cleanroom(["rpm", "build", "lib0000"])).toMatchObject({ exitCode: 0 });
    expect(await explained()).toEqual(["would-run", "package lib0000"]);
  });
});

describe("a build that is traced", () => {
  /** Where a build may open what is no package's: its own folders, and what the kernel makes. */
  const own = /^\/(?:builddir|ccache|proc|dev|tmp|run|var\/tmp)(?:\/|$)/;

  /** What installing packages writes that no package holds. */
  const madeByInstalling = new Set([
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/passwd",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
  ]);

  /** Puts a bwrap first in PATH that traces builds, and shows them one file more if asked to. */
  async function tracingPath(more: string): Promise<string> {
    const programs = workspace.path("programs");
    await mkdir(programs, { recursive: true });
    const bwrap = (await run("sh", ["-c", "command -v bwrap"])).stdout.trim();
    const script = `#!/bin/sh
trace=${workspace.path("trace")}
case " $* " in *" rpmbuild "*) ;; *) exec ${bwrap} "$@" ;; esac
printf '%s\\n' "$@" > "$trace.arguments"
count=$#
while [ "$count" -gt 0 ]; do
  [ "$1" != --remount-ro ] || set -- "$@" ${more}
  set -- "$@" "$1"
  shift
  count=$((count - 1))
done
exec strace -f -qq -y -e signal=none -e trace=%file -o "$trace" ${bwrap} "$@"
`;
    await writeFile(path.join(programs, "bwrap"), script);
    await chmod(path.join(programs, "bwrap"), 0o755);
    return `${programs}:${process.env["PATH"] ?? ""}`;
  }

  /** These folders are links to those of the same name in /usr. */
  const merged = (file: string): string => file.replace(/^\/(s?bin|lib\d*)\//, "/usr/$1/");

  /** Paths that a traced build opened, read as a folder or ran, as it saw them. */
  async function opened(): Promise<ReadonlySet<string>> {
    const lines = (await readFile(workspace.path("trace"), "utf8")).split("\n");
    const begin = lines.findIndex((line) => line.includes('execve("/usr/bin/rpmbuild"'));
    expect(begin).toBeGreaterThan(0);
    const paths = lines.slice(begin).flatMap((line) => {
      const file = /^\d+ +open\w*\(.* = \d+<(\/[^>]*)>$/.exec(line)?.[1];
      return file ?? /^\d+ +execve\("(\/[^"]*)".* = 0$/.exec(line)?.[1] ?? [];
    });
    return new Set(paths.map(merged));
  }

  /** What the packages of the build root hold, by where it lies. */
  async function closureFiles(): Promise<ReadonlySet<string>> {
    const given = (await readFile(workspace.path("trace.arguments"), "utf8")).split("\n");
    const root = path.dirname(given[given.indexOf("/usr") - 1] ?? "");
    expect(path.dirname(root)).toBe(path.join(defaultStoreFolder(process.env), "roots"));
    const { stdout } = await run("rpm", [
      ...["--dbpath", path.join(root, "usr/lib/sysimage/rpm"), "-qal"],
    ]);
    return new Set(stdout.split("\n").map(merged));
  }

  async function outsideOfClosure(more: string): Promise<readonly string[]> {
    await workspace.edit(spec, (text) =>
      text.replace("%build\n", `%build\necho ${randomUUID()}; env; cat /outside || :\n`),
    );
    const { exitCode, stderr } = await workspace.cleanroom(["rpm", "build", "lib0001"], {
      env: {
        HOME: process.env["HOME"] ?? "/",
        ...(process.env["CLEANROOM_STORE"] && { CLEANROOM_STORE: process.env["CLEANROOM_STORE"] }),
        PATH: await tracingPath(more),
        A_SECRET: "of the host",
      },
    });
    expect(stderr).toContain("lib0001: built");
    expect(exitCode).toBe(0);
    const files = await closureFiles();
    return [...(await opened())].filter(
      (file) => !own.test(file) && !madeByInstalling.has(file) && !files.has(file),
    );
  }

  test("opens files of its packages, and its own, alone", async () => {
    expect(await outsideOfClosure("")).toEqual([]);
    // It does see what it uses: the header of its dependency.
    expect(await opened()).toContain("/usr/include/lib0000.h");
    const log = await readFile(`${defaultStoreFolder(process.env)}/logs/lib0001.log`, "utf8");
    expect(log).toContain("USER=builder");
    expect(log).not.toContain("A_SECRET");
  });

  test("is found out when it sees one file more", async () => {
    const file = workspace.path("host file");
    await writeFile(file, "");
    expect(await outsideOfClosure(`--ro-bind '${file}' /outside`)).toEqual(["/outside"]);
  });
});
