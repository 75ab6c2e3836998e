import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { RpmHeader } from "rpm-parser";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rootMadeOf } from "./root-tree-fixture.ts";
import { RootTree } from "./root-tree.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "root-"));
  await mkdir(path.join(root, "usr/bin"), { recursive: true });
  await writeFile(path.join(root, "usr/bin/sh"), "");
  await symlink("usr/bin", path.join(root, "bin"));
  await symlink("/usr", path.join(root, "absolute"));
  await symlink("../../../../etc", path.join(root, "usr/out"));
  await symlink("loop", path.join(root, "loop"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

test.each([
  ["/usr/bin/sh", "usr/bin/sh"],
  ["/bin/sh", "usr/bin/sh"],
  ["/absolute/bin/sh", "usr/bin/sh"],
  // A link itself is what is named, not what it leads to.
  ["/bin", "bin"],
  // No chain of .. leaves the root.
  ["/usr/out/passwd", "etc/passwd"],
  ["/loop/x", "loop/x"],
  ["/not/there", "not/there"],
])("%s is at %s", (named, real) => {
  expect(rootMadeOf(root).locate(named)).toBe(real);
});

interface Package {
  /** Mode and flags by path; of a link `-> target`, of a folder ending in `/`. */
  readonly files: Readonly<Record<string, string>>;
  readonly isActive?: boolean;
  /** Indexes of files that were left out. */
  readonly without?: readonly number[];
}

function headerOf({ files }: Package): Pick<RpmHeader, "files"> {
  const described = Object.entries(files).map(([name, text], index) => {
    const [mode = "644", ...flags] = text.split(" ");
    const isLink = text.startsWith("-> ");
    const type = isLink ? "symlink" : name.endsWith("/") ? "directory" : "file";
    return {
      ...{ index, type, flags, path: name.replace(/\/$/, "") },
      ...{
        mode: isLink ? 0o777 : Number.parseInt(mode, 8),
        linkTarget: isLink ? text.slice(3) : "",
      },
      ...{ sizeBytes: 1, mtimeSeconds: 2 },
    };
  });
  return { files: described } as unknown as Pick<RpmHeader, "files">;
}

function treeOf(removed: readonly string[], ...packages: readonly Package[]): RootTree {
  const installed = packages.map(({ files, isActive = true, without = [] }, index) => {
    const states = Uint8Array.from(Object.keys(files), (_, at) => (without.includes(at) ? 2 : 0));
    return { sha256: "", files: `/layers/${index}`, states, isActive };
  });
  const changes = path.join(root, "changes");
  return new RootTree({ packages: installed, changes, removed }, packages.map(headerOf));
}

const lines = (tree: RootTree, below: string): string[] =>
  [...tree.entries.values()]
    .filter(({ path }) => path.startsWith(below))
    .map(({ path, type, mode, hostPath }) => `${path} ${type} ${mode.toString(8)} ${hostPath}`);

describe("a root of packages", () => {
  beforeEach(() => mkdir(path.join(root, "changes")));

  test("has the folders that every root has", () => {
    expect([...treeOf([]).entries.keys()]).toEqual([
      ...["dev", "proc", "run", "sys", "tmp", "usr", "usr/lib", "usr/lib/sysimage"],
      "usr/lib/sysimage/rpm",
    ]);
  });

  test("has files where packages have them, and the folders on the way", () => {
    const tree = treeOf([], { files: { "/opt/a/x": "600", "/opt/b/": "700" } });
    expect(lines(tree, "opt")).toEqual([
      "opt directory 755 ",
      "opt/a directory 755 ",
      "opt/a/x file 600 /layers/0/opt/a/x",
      "opt/b directory 700 ",
    ]);
  });

  test("lacks ghosts and what was left out", () => {
    const files = { "/opt/ghost": "644 ghost", "/opt/doc": "644 doc", "/opt/x": "644" };
    expect(lines(treeOf([], { files, without: [1] }), "opt/")).toEqual([
      "opt/x file 644 /layers/0/opt/x",
    ]);
  });

  test("has a file of two packages from the first, and a folder's unusual mode", () => {
    const first = { files: { "/opt/x": "644", "/opt/both/": "750" } };
    const tree = treeOf([], first, { files: { "/opt/x": "644", "/opt/both/": "755" } });
    expect(lines(tree, "opt/")).toEqual([
      "opt/both directory 750 ",
      "opt/x file 644 /layers/0/opt/x",
    ]);
  });

  test("follows links of folders, also from other packages and one after the other", () => {
    const tree = treeOf(
      [],
      { files: { "/lib/deep/x": "644", "/srv/in/y": "644" } },
      { files: { "/lib": "-> usr/lib", "/usr/lib/deep": "-> ../deep", "/srv": "-> /lib/srv" } },
    );
    expect([...tree.entries.keys()].filter((name) => /x$|y$/.test(name))).toEqual([
      "usr/deep/x",
      "usr/lib/srv/in/y",
    ]);
  });

  test("scriptlets changed, made and removed what active packages had", async () => {
    await mkdir(path.join(root, "changes/opt/made"), { recursive: true });
    await writeFile(path.join(root, "changes/opt/x"), "", { mode: 0o600 });
    await writeFile(path.join(root, "changes/opt/made/y"), "", { mode: 0o640 });
    const files = { "/opt/": "711", "/opt/x": "644", "/opt/gone/z": "644", "/opt/goner": "644" };
    expect(lines(treeOf(["opt/gone"], { files }), "opt")).toEqual([
      "opt directory 711 ",
      "opt/goner file 644 /layers/0/opt/goner",
      `opt/made directory 755 ${root}/changes/opt/made`,
      `opt/made/y file 640 ${root}/changes/opt/made/y`,
      `opt/x file 600 ${root}/changes/opt/x`,
    ]);
  });

  test("a package that was not there has its own files, whatever scriptlets made of them", async () => {
    await mkdir(path.join(root, "changes/opt"));
    await writeFile(path.join(root, "changes/opt/x"), "");
    const tree = treeOf(["opt"], { files: { "/opt/x": "644" }, isActive: false });
    expect(lines(tree, "opt/")).toEqual(["opt/x file 644 /layers/0/opt/x"]);
  });
});
