import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { overlaysWork, removeFolder, run, withOverlay } from "@cleanroom/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { applyChanges } from "./apply-changes.ts";
import { LinkedTree } from "./link-tree.ts";

let folder: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "link-tree-"));
  target = path.join(folder, "target");
  await mkdir(target);
});

afterEach(() => removeFolder(folder));

/** A layer of files (path to content), folders (path ending in `/`) and links (`-> target`). */
async function layer(name: string, entries: Readonly<Record<string, string>>): Promise<string> {
  const root = path.join(folder, name);
  await mkdir(root);
  for (const [below, content] of Object.entries(entries)) {
    const entry = path.join(root, below);
    await mkdir(path.dirname(entry), { recursive: true });
    if (below.endsWith("/")) await mkdir(entry, { recursive: true });
    else if (content.startsWith("-> ")) await symlink(content.slice(3), entry);
    else await writeFile(entry, content);
  }
  return root;
}

async function list(): Promise<string[]> {
  const found = await readdir(target, { recursive: true, withFileTypes: true });
  const lines = found.map(async (entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const kind = entry.isSymbolicLink() ? `l ${await readlink(file)}` : entry.isFile() ? "f" : "d";
    return `${path.relative(target, file)} ${kind}`;
  });
  return (await Promise.all(lines)).toSorted();
}

describe.each([{ copies: false }, { copies: true }])("LinkedTree, copies: $copies", (options) => {
  test("lays packages over each other", async () => {
    const tree = new LinkedTree(target, options);
    const first = await layer("first", { "usr/bin/a": "a", "usr/share/both": "same" });
    await utimes(path.join(first, "usr/bin/a"), 1, 1);
    tree.add(first);
    tree.add(await layer("second", { "usr/bin/b": "-> a", "usr/share/both": "same", "var/": "" }));
    expect(await list()).toEqual([
      "usr d",
      "usr/bin d",
      "usr/bin/a f",
      "usr/bin/b l a",
      "usr/share d",
      "usr/share/both f",
      "var d",
    ]);
    const [one, other] = await Promise.all(
      [target, first].map((root) => stat(path.join(root, "usr/bin/a"))),
    );
    expect(one?.ino === other?.ino).toBe(!options.copies);
    expect(one?.mtimeMs).toBe(other?.mtimeMs);
  });

  test("follows a folder that is a link as it would inside the root, never out of it", async () => {
    const outside = path.join(folder, "outside");
    await mkdir(outside);
    const tree = new LinkedTree(target, options);
    tree.add(
      await layer("links", {
        lib: "-> usr/lib",
        "usr/lib/": "",
        "var/run": "-> /run",
        up: `-> ../../../../../../../../..${outside}`,
      }),
    );
    tree.add(await layer("files", { "lib/x": "x", "var/run/y": "y", "up/z": "z" }));
    expect(await readFile(path.join(target, "usr/lib/x"), "utf8")).toBe("x");
    expect(await readFile(path.join(target, "run/y"), "utf8")).toBe("y");
    expect(await readFile(path.join(target, outside, "z"), "utf8")).toBe("z");
    expect(await readdir(outside)).toEqual([]);
  });

  test("a folder gives way to another package's link, and moves to where it leads", async () => {
    const tree = new LinkedTree(target, options);
    tree.add(await layer("files", { "usr/share/out/deep/x": "x" }));
    tree.add(await layer("links", { "usr/share/out": "-> /srv/there" }));
    tree.add(await layer("more", { "usr/share/out/deep/y": "y" }));
    expect(await list()).toEqual([
      "srv d",
      "srv/there d",
      "srv/there/deep d",
      "srv/there/deep/x f",
      "srv/there/deep/y f",
      "usr d",
      "usr/share d",
      "usr/share/out l /srv/there",
    ]);
  });

  test("a circle of links is an error", async () => {
    const tree = new LinkedTree(target, options);
    tree.add(await layer("links", { a: "-> b", b: "-> a" }));
    const files = await layer("files", { "a/x": "x" });
    expect(() => tree.add(files)).toThrow(/too many symbolic links/);
  });
});

test("what changes through an overlay reaches the tree, and never the files it shares", async ({
  skip,
}) => {
  if (!(await overlaysWork(folder))) skip("no overlays here");
  const shared = await layer("shared", {
    "etc/grown": "before\n",
    "etc/gone": "",
    "etc/replaced/old": "",
    "etc/kept": "kept",
  });
  new LinkedTree(target, { copies: false }).add(shared);
  const [upper, work, merged] = ["upper", "work", "merged"].map((name) =>
    path.join(folder, name),
  ) as [string, string, string];
  for (const name of [upper, work, merged]) await mkdir(name);
  const script = [
    "cd merged/etc",
    "echo after >> grown",
    "rm -r gone replaced",
    "mkdir -p replaced new/folder",
    "chmod 700 new",
    "echo new > replaced/new",
    "ln -s kept new/link",
  ].join(" && ");
  const command = await withOverlay({ lowers: [target], upper, work, target: merged }, [
    "sh",
    "-c",
    script,
  ]);
  await run(command[0] ?? "", command.slice(1), { cwd: folder });
  // getfattr is on few machines; the installer tells which folders are opaque.
  await applyChanges(upper, target, ["etc/replaced"]);
  expect(await list()).toEqual([
    "etc d",
    "etc/grown f",
    "etc/kept f",
    "etc/new d",
    "etc/new/folder d",
    "etc/new/link l kept",
    "etc/replaced d",
    "etc/replaced/new f",
  ]);
  expect((await stat(path.join(target, "etc/new"))).mode & 0o777).toBe(0o700);
  expect(await readFile(path.join(target, "etc/grown"), "utf8")).toBe("before\nafter\n");
  expect(await readFile(path.join(shared, "etc/grown"), "utf8")).toBe("before\n");
  await rm(merged, { recursive: true });
});
