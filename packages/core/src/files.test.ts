import { chmod, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { adoptFolder, removeFolder, replaceFolder, writeFileAtomic } from "./files.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "files-"));
});

test("a file is written whole, in folders that need not be there, and nothing else is left", async () => {
  const file = path.join(folder, "a/b/file");
  await writeFileAtomic(file, "one");
  await writeFileAtomic(file, "two");
  expect(await readFile(file, "utf8")).toBe("two");
  expect(await readdir(path.dirname(file))).toEqual(["file"]);
});

test("a folder takes the place of another as a whole", async () => {
  const target = path.join(folder, "target");
  await mkdir(target);
  await writeFile(path.join(target, "stale"), "");
  const made = path.join(folder, "made");
  await mkdir(made);
  await writeFile(path.join(made, "fresh"), "");
  await replaceFolder(made, target);
  expect(await readdir(target)).toEqual(["fresh"]);
  expect(await readdir(folder)).toEqual(["target"]);
});

test("a folder that is named by its content is put in place once", async () => {
  const target = path.join(folder, "target");
  for (const name of ["first", "second"]) {
    const made = path.join(folder, name);
    await mkdir(made);
    await writeFile(path.join(made, "file"), name);
    await adoptFolder(made, target);
  }
  expect(await readFile(path.join(target, "file"), "utf8")).toBe("first");
  expect(await readdir(folder)).toEqual(["target"]);
});

test("folders without write permission are removed too", async () => {
  const locked = path.join(folder, "tree/locked");
  await mkdir(locked, { recursive: true });
  await writeFile(path.join(locked, "file"), "");
  await chmod(locked, 0o500);
  await removeFolder(path.join(folder, "tree"));
  await expect(stat(path.join(folder, "tree"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("of folders that several put in one place at once the last stays whole, and nothing else", async () => {
  const parent = await mkdtemp(path.join(tmpdir(), "replace-"));
  const target = path.join(parent, "target");
  for (let round = 0; round < 30; round += 1) {
    const finished = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const folder = path.join(parent, `finished-${index}`);
        await mkdir(folder);
        for (const name of ["a", "b"]) await writeFile(path.join(folder, name), String(index));
        return folder;
      }),
    );
    await Promise.all(finished.map((folder) => replaceFolder(folder, target)));
    expect(await readdir(parent)).toEqual(["target"]);
    const [a, b] = await Promise.all(
      ["a", "b"].map((name) => readFile(path.join(target, name), "utf8")),
    );
    expect(a).toBe(b);
  }
});
