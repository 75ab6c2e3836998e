import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type CommandResult, defaultStoreFolder, run } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Workspace } from "./workspace.ts";

/** Work on one package: from a local checkout, and in its build root. */

const sources = {
  Makefile: `twice: a.o b.o
\tgcc -o $@ $^
%.o: %.c
\tgcc -c -o $@ $<
`,
  "a.c": `#include <stdio.h>\nvoid b(void);\nint main(void) { puts("upstream"); b(); return 0; }\n`,
  "b.c": `#include <stdio.h>\nvoid b(void) { puts("b"); }\n`,
};

const patch = `--- a/a.c
+++ b/a.c
@@ -1,3 +1,3 @@
 #include <stdio.h>
 void b(void);
-int main(void) { puts("upstream"); b(); return 0; }
+int main(void) { puts("patched"); b(); return 0; }
`;

const spec = `%global run ${randomUUID()}
Name: twice
Version: 1.0
Release: 1%{?dist}
Summary: Two files
License: MIT
Source0: twice-1.0.tar.gz
Patch0: name.patch
BuildRequires: gcc
%description
Two files.
%package libs
Summary: More
Requires: %{name} = %{version}-%{release}
%description libs
More.
%prep
%autosetup -n twice-upstream -p1
%build
make
%install
install -D twice %{buildroot}%{_bindir}/twice
install -D a.c %{buildroot}%{_datadir}/twice/a.c
%check
./twice
%files
%{_bindir}/twice
%files libs
%{_datadir}/twice
%changelog
* Mon Jan 06 2025 Some One <one@example.org> - 1.0-1
- First
`;

const specFile = "specs/rpm/twice/twice.spec";

let workspace: Workspace;
let checkout: string;

const git = async (...args: readonly string[]): Promise<void> => {
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
  await run("git", ["-C", checkout, ...who, ...args]);
};

beforeAll(async () => {
  workspace = await Workspace.copy();
  for (const kind of ["rpm", "image"]) {
    await rm(workspace.path("specs", kind), { recursive: true, force: true });
  }
  await mkdir(workspace.path("specs/rpm/twice"), { recursive: true });
  checkout = workspace.path("checkout");
  for (const folder of [checkout, workspace.path("twice-upstream")]) {
    await mkdir(folder);
    for (const [name, text] of Object.entries(sources)) {
      await writeFile(`${folder}/${name}`, text);
    }
  }
  const archive = workspace.path("specs/rpm/twice/twice-1.0.tar.gz");
  await run("tar", ["-C", workspace.folder, "-czf", archive, "twice-upstream"]);
  await writeFile(workspace.path("specs/rpm/twice/name.patch"), patch);
  await writeFile(workspace.path(specFile), spec);
  await git("init", "--quiet");
  await writeFile(`${checkout}/.gitignore`, "/build\n");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "upstream");
  await mkdir(`${checkout}/build`);
  await writeFile(`${checkout}/build/a.o`, "of another compiler");
});

afterAll(async () => {
  await rm(workspace.folder, { recursive: true, force: true });
});

const develop = (...args: readonly string[]): Promise<CommandResult> =>
  workspace.cleanroom(["rpm", "dev", "twice", "--source", checkout, ...args]);

/** What the last development build compiled, and what its program printed. */
async function lastBuild(): Promise<{ compiled: readonly string[]; printed: readonly string[] }> {
  const log = await readFile(`${defaultStoreFolder(process.env)}/logs/twice.dev.log`, "utf8");
  return {
    compiled: [...log.matchAll(/^gcc -c -o \S+ (\S+)$/gm)].map((match) => match[1] ?? ""),
    printed: log.split("\n").filter((line) => ["patched", "upstream", "b", "c"].includes(line)),
  };
}

describe("rpm dev", () => {
  test("builds a checkout in the place of the archive, patched, and marks what it makes", async () => {
    const { exitCode, stdout, stderr } = await develop("--json");
    expect(stderr).not.toContain("error:");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ isIncremental: false, folder: "dist/dev/twice" });
    expect(await lastBuild()).toEqual({ compiled: ["a.c", "b.c"], printed: ["patched", "b"] });
    const rpms = (await readdir(workspace.path("dist/dev/twice"))).toSorted();
    expect(rpms).toEqual([
      "twice-1.0-1.cr1.dev.x86_64.rpm",
      "twice-debuginfo-1.0-1.cr1.dev.x86_64.rpm",
      "twice-libs-1.0-1.cr1.dev.x86_64.rpm",
    ]);
    const described = await run("rpm", [
      ...["-qp", "--nosignature", "--qf", "%{DISTRIBUTION}\n", "--requires"],
      workspace.path("dist/dev/twice", rpms.at(-1) ?? ""),
    ]);
    expect(described.stdout).toContain("Cleanroom development build");
    expect(described.stdout).toContain("twice = 1.0-1.cr1.dev");
  });

  test("compiles only what changed, and leaves the checkout as it is", async () => {
    await writeFile(`${checkout}/b.c`, sources["b.c"].replace('"b"', '"c"'));
    const { exitCode, stdout } = await develop("--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ isIncremental: true });
    expect(await lastBuild()).toEqual({ compiled: ["b.c"], printed: ["patched", "c"] });
    expect(await readFile(`${checkout}/a.c`, "utf8")).toBe(sources["a.c"]);
    expect((await readdir(checkout)).toSorted()).toEqual([
      ...[".git", ".gitignore", "Makefile", "a.c", "b.c", "build"],
    ]);
  });

  test("compiles nothing when nothing changed, and everything when the spec did", async () => {
    await develop();
    expect((await lastBuild()).compiled).toEqual([]);
    await workspace.edit(specFile, (text) => text.replace("\nmake\n", "\nmake twice\n"));
    await develop();
    expect((await lastBuild()).compiled).toEqual(["a.c", "b.c"]);
  });

  test("goes on after a failure where it was", async () => {
    await writeFile(`${checkout}/b.c`, "this is no C\n");
    const failed = await develop();
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("twice: rpmbuild: ");
    expect(failed.stderr).toMatch(/log: \S+twice\.dev\.log/);
    await writeFile(`${checkout}/b.c`, sources["b.c"]);
    expect((await develop()).exitCode).toBe(0);
    expect((await lastBuild()).compiled).toEqual(["b.c"]);
  });

  test("a checkout that has the patches already is told of --no-patches", async () => {
    await writeFile(`${checkout}/a.c`, sources["a.c"].replace("upstream", "patched"));
    const twice = await develop();
    expect(twice.exitCode).toBe(1);
    expect(twice.stderr).toContain("--no-patches");
    expect((await develop("--no-patches")).exitCode).toBe(0);
    expect((await lastBuild()).printed).toEqual(["patched", "b"]);
  });

  test("nothing of it gets among the packages", async () => {
    const { exitCode, stdout } = await workspace.cleanroom(["rpm", "build", "twice", "--json"]);
    expect(exitCode).toBe(0);
    const [result] = JSON.parse(stdout) as readonly { how: string; rpms: { file: string }[] }[];
    expect(result?.how).toBe("built");
    expect(result?.rpms.map(({ file }) => file)).toEqual([
      "twice-1.0-1.cr1.x86_64.rpm",
      "twice-debuginfo-1.0-1.cr1.x86_64.rpm",
      "twice-libs-1.0-1.cr1.x86_64.rpm",
    ]);
    const listing = await readdir(workspace.path("dist/rpms/twice"));
    expect(listing.filter((name) => name.includes(".dev."))).toEqual([]);
  });

  test("a folder without the sources says so", async () => {
    const { exitCode, stderr } = await workspace.cleanroom([
      ...["rpm", "dev", "twice", "--source", `${checkout}/absent`],
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("there is no such folder");
  });
});

describe("rpm shell", () => {
  test("is in the build root, sources in place", async () => {
    const { exitCode, stdout, stderr } = await workspace.cleanroom(["rpm", "shell", "twice"], {
      input: "gcc --version | head -1; ls SOURCES; pwd; ls /home /root 2>&1; exit 3\n",
    });
    expect(stdout).toMatch(/^gcc /m);
    expect(stdout).toContain("name.patch\ntwice-1.0.tar.gz\n/builddir\n");
    expect(stderr).toContain("the build is: rpmbuild -bb");
    expect(exitCode).toBe(0);
  });
});

describe("--shell-on-failure", () => {
  test("opens a shell where the build stopped, with the step that failed at hand", async () => {
    await workspace.edit(specFile, (text) =>
      text.replace("\nmake twice\n", "\nmake twice\necho step 2; test -e made-by-hand\n"),
    );
    const { exitCode, stdout, stderr } = await workspace.cleanroom(
      ["rpm", "build", "twice", "--shell-on-failure"],
      { input: "pwd; ls *.o; touch made-by-hand; sh -e /builddir/scripts/rpm-tmp.*\n" },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain("a shell where it stopped");
    expect(stderr).toMatch(/once more: sh -e \/builddir\/scripts\/rpm-tmp\./);
    expect(stdout).toMatch(/\/builddir\/BUILD\/\S*twice-upstream\na\.o\nb\.o\n/);
    // What failed in the build goes through by hand.
    expect(stdout).toMatch(/step 2/);
    expect(stdout.trimEnd().endsWith("step 2")).toBe(true);
  });
});
