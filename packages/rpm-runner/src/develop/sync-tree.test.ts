import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { syncTree } from "./sync-tree.ts";

const old = new Date("2020-01-01T00:00:00Z");

/** A tree of files by path; `->` makes a link. All of its files are old. */
async function tree(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), "sync-"));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    if (text.startsWith("->")) {
      await symlink(text.slice(2), file);
    } else {
      await writeFile(file, text);
      await utimes(file, old, old);
    }
  }
  return root;
}

const isOld = async (file: string): Promise<boolean> =>
  (await stat(file)).mtimeMs === old.getTime();

test("at first everything comes with its time; then what changed, with the time of now", async () => {
  const to = await tree({});
  const manifest = await syncTree(await tree({ "s/a.c": "a", "s/b.c": "b", l: "->s/a.c" }), to, {});
  expect(await isOld(path.join(to, "s/a.c"))).toBe(true);
  const next = await syncTree(
    await tree({ "s/a.c": "a", "s/b.c": "other", "s/new.c": "c", l: "->s/b.c" }),
    to,
    manifest,
  );
  expect(await isOld(path.join(to, "s/a.c"))).toBe(true);
  expect(await isOld(path.join(to, "s/b.c"))).toBe(false);
  expect(await isOld(path.join(to, "s/new.c"))).toBe(false);
  expect(await readFile(path.join(to, "l"), "utf8")).toBe("other");
  expect(Object.keys(next)).toEqual(["l", "s", "s/a.c", "s/b.c", "s/new.c"]);
});

test("what a build made stays, and so does what it did to a source", async () => {
  const to = await tree({});
  const manifest = await syncTree(await tree({ "s/a.c": "a", "s/b.c": "b" }), to, {});
  await writeFile(path.join(to, "s/a.o"), "compiled");
  await writeFile(path.join(to, "s/b.c"), "edited by the build");
  await syncTree(await tree({ "s/a.c": "a2", "s/b.c": "b" }), to, manifest);
  expect(await readFile(path.join(to, "s/a.o"), "utf8")).toBe("compiled");
  expect(await readFile(path.join(to, "s/b.c"), "utf8")).toBe("edited by the build");
  expect(await readFile(path.join(to, "s/a.c"), "utf8")).toBe("a2");
});

test("what is gone goes, a file becomes a folder, and a folder a file", async () => {
  const to = await tree({});
  const first = await syncTree(await tree({ gone: "g", x: "file", "y/z": "in it" }), to, {});
  const second = await syncTree(await tree({ "x/a": "in it", y: "file" }), to, first);
  expect((await readdir(to)).toSorted()).toEqual(["x", "y"]);
  expect(await readFile(path.join(to, "x/a"), "utf8")).toBe("in it");
  await syncTree(await tree({}), to, second);
  expect(await readdir(to)).toEqual([]);
});
