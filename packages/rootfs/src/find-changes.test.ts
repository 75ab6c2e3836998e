import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { overlaysWork, removeFolder, run, withOverlay } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findChanges, takeWhiteouts } from "./find-changes.ts";
import { LinkedTree } from "./link-tree.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "find-changes-"));
  for (const name of ["package/etc/replaced", "package/etc/kept", "package/usr", "changes"]) {
    await mkdir(path.join(folder, name), { recursive: true });
  }
  const files = ["etc/grown", "etc/gone", "etc/replaced/old", "etc/kept/file", "etc/mode"];
  for (const name of files) await writeFile(path.join(folder, "package", name), name);
  await symlink("usr", path.join(folder, "package/link"));
});

afterEach(() => removeFolder(folder));

/** What scriptlets do. `replaced` is another folder afterwards, where an overlay can tell. */
const script = `cd "$1"
  echo more >> etc/grown
  rm -r etc/gone etc/replaced
  mkdir -p etc/replaced etc/new/folder
  chmod 700 etc/new etc/mode
  echo new > etc/replaced/new
  ln -s kept etc/new/link
  ln -sfn elsewhere link`;

const changed = [
  ...["etc", "etc/grown", "etc/mode", "etc/new", "etc/new/folder", "etc/new/link"],
  ...["etc/replaced", "etc/replaced/new", "link"],
];

const listed = async (): Promise<string[]> =>
  (await readdir(path.join(folder, "changes"), { recursive: true })).toSorted();

test("what an overlay took says what was removed", async ({ skip }) => {
  if (!(await overlaysWork(folder))) skip("no overlays here");
  for (const name of ["work", "merged", "below"]) await mkdir(path.join(folder, name));
  await writeFile(path.join(folder, "below/seen"), "");
  const command = await withOverlay(
    {
      lowers: [path.join(folder, "package"), path.join(folder, "below")],
      upper: path.join(folder, "changes"),
      work: path.join(folder, "work"),
      target: path.join(folder, "merged"),
    },
    ["sh", "-ec", `${script}; test -e seen`, "sh", path.join(folder, "merged")],
  );
  await run(command[0] ?? "", command.slice(1));
  // getfattr is on few machines; the installer tells which folders are opaque.
  expect(takeWhiteouts(path.join(folder, "changes"), ["etc/replaced"])).toEqual([
    "etc/gone",
    "etc/replaced",
  ]);
  expect(await listed()).toEqual(changed);
});

test("a tree of copies says the same without an overlay", async () => {
  const target = path.join(folder, "tree");
  await mkdir(target);
  const tree = new LinkedTree(target, { copies: true });
  tree.add(path.join(folder, "package"));
  await run("sh", ["-ec", script, "sh", target]);
  expect(findChanges(target, tree.copied, path.join(folder, "changes"))).toEqual([
    "etc/gone",
    "etc/replaced/old",
  ]);
  expect(await listed()).toEqual(changed);
});

test("nothing changed is nothing found", async () => {
  const target = path.join(folder, "tree");
  await mkdir(target);
  await chmod(path.join(folder, "package/etc"), 0o700);
  const tree = new LinkedTree(target, { copies: true });
  tree.add(path.join(folder, "package"));
  expect(findChanges(target, tree.copied, path.join(folder, "changes"))).toEqual([]);
  expect(await listed()).toEqual([]);
  await rm(target, { recursive: true });
});
