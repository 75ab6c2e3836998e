import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import path from "node:path";
import { run, sha256File } from "@cleanroom/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Workspace } from "./workspace.ts";

/** A compiled program with a source, a patch, a subpackage and a script. */
const files = {
  "package.yaml": "profiles: [no-docs]\n",
  "greet.c": `#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n`,
  "world.patch": `--- a/greet.c\n+++ b/greet.c\n@@ -1,2 +1,2 @@\n #include <stdio.h>\n-int main(void) { puts("hello"); return 0; }\n+int main(void) { puts("hello, world"); return 0; }\n`,
  "greet.spec": `Name: greet
Version: 1.0
Release: 1%{?dist}
Summary: Greets as ${randomUUID()}
License: MIT
Source0: greet.c
Patch0: world.patch
BuildRequires: gcc
%description
Greets.
%package extra
Summary: More
BuildArch: noarch
%description extra
More.
%package doc
Summary: Manual
%description doc
Manual.
%prep
%setup -c -T
cp %{SOURCE0} .
%patch -P 0 -p1
%build
gcc %{optflags} -o greet greet.c
%install
install -D greet %{buildroot}%{_bindir}/greet
install -D greet.c %{buildroot}%{_datadir}/greet/greet.c
install -D greet.c %{buildroot}%{_docdir}/greet/greet.c
%post
true
%files
%{_bindir}/greet
%files extra
%{_datadir}/greet
%files doc
%{_docdir}/greet
%changelog
* Tue Jan 06 2026 Some One <one@example.org> - 1.0-1
- The first one
`,
};

const profile = "description: Without manuals\ndrop: { subpackages: [greet-doc] }\n";

let workspace: Workspace;
let source: string;

beforeAll(async () => {
  workspace = await Workspace.copy();
  await rm(workspace.path("specs/rpm"), { recursive: true });
  await mkdir(workspace.path("specs/rpm/greet"), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await writeFile(workspace.path("specs/rpm/greet", name), text);
  }
  await writeFile(workspace.path("specs/profile/no-docs.yaml"), profile);
  const made = await workspace.cleanroom(["rpm", "srpm", "greet"]);
  expect(made).toMatchObject({ exitCode: 0 });
  source = workspace.path(made.stdout.trim());
});

afterAll(async () => {
  await rm(workspace.folder, { recursive: true, force: true });
});

async function rpm(...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run("rpm", [...args, source]);
  return stdout.trim().split("\n").toSorted();
}

describe("a source package", () => {
  test("holds the spec as it was built, the sources and the patches", async () => {
    expect(path.basename(source)).toMatch(/^greet-1\.0-1\.cr1\.src\.rpm$/);
    expect(await rpm("-qp", "--nosignature", "-l")).toEqual([
      "greet.c",
      "greet.spec",
      "world.patch",
    ]);
    expect(await rpm("-qp", "--nosignature", "--requires")).toContain("gcc");
    expect(await rpm("-K", "--nosignature")).toEqual([expect.stringContaining("digests OK")]);
    const { stdout } = await run("sh", [
      "-euc",
      'rpm2cpio "$0" | cpio -i --quiet --to-stdout greet.spec',
      source,
    ]);
    expect(stdout).toContain("%package extra");
    expect(stdout).not.toContain("%package doc");
  });

  test("is the one that the binary packages name", async () => {
    const folder = workspace.path("dist/rpms/greet");
    const rpms = (await readdir(folder)).filter((name) => name.endsWith(".rpm"));
    // The program, what is extra, and debug information.
    expect(rpms).toHaveLength(3);
    for (const name of rpms) {
      const file = path.join(folder, name);
      const { stdout } = await run("rpm", ["-qp", "--nosignature", "--qf", "%{SOURCERPM}", file]);
      expect(stdout).toBe(path.basename(source));
    }
  });

  test("is the same, bit for bit, from another store at another time", async () => {
    const other = await Workspace.copy();
    await rm(other.path("specs/rpm"), { recursive: true });
    await run("cp", ["-r", workspace.path("specs/rpm"), other.path("specs/rpm")]);
    await run("cp", [workspace.path("specs/profile/no-docs.yaml"), other.path("specs/profile")]);
    // Another key and the same source: what a macro says that nothing uses is no part of it.
    await other.edit("specs/base/debian-trixie/base.yaml", (text) =>
      text.replace("\nmacros:\n", `\nmacros:\n  unused_by_all: ${randomUUID()}\n`),
    );
    const made = await other.cleanroom(["rpm", "srpm", "greet"]);
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stderr).toContain("greet: made greet-1.0-1.cr1.src.rpm");
    expect(await sha256File(other.path(made.stdout.trim()))).toBe(await sha256File(source));
    await rm(other.folder, { recursive: true, force: true });
  });

  test("a second time nothing runs", async () => {
    const { stderr } = await workspace.cleanroom(["rpm", "srpm", "greet"]);
    expect(stderr).not.toMatch(/made|preparing|: built/);
  });

  test("rpmbuild --rebuild of it gives the same binary packages", async () => {
    const { exitCode, stdout } = await workspace.cleanroom([
      ...["rpm", "srpm", "greet", "--check-rebuild"],
    ]);
    expect(stdout).toBe("greet: the same when rebuilt\n");
    expect(exitCode).toBe(0);
  });

  test("is a target of its own; the packages are another", async () => {
    expect((await workspace.nx("rpm", "greet")).stdout).toContain(
      "Successfully ran target rpm for project greet",
    );
    const { stdout } = await workspace.nx("run", "greet:srpm");
    expect(stdout).toContain("Successfully ran target srpm for project greet");
    expect(await readdir(workspace.path("dist/srpms/greet"))).toEqual([path.basename(source)]);
  });
});
