import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RecentFiles } from "./recent-files.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "recent-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

test("a file is read once, as long as it is the same and there is room", () => {
  const files = new RecentFiles(10);
  const read = (file: string): Buffer => files.read(file, statSync(file));
  const [one, two, three] = ["one", "two", "three"].map((name) => written(name, "12345"));
  const first = read(one ?? "");
  expect(first.toString()).toBe("12345");
  read(two ?? "");
  expect(read(one ?? "")).toBe(first);
  // The second was asked for the longest ago.
  read(three ?? "");
  expect(read(one ?? "")).toBe(first);
  const second = read(two ?? "");
  expect(read(two ?? "")).toBe(second);
  expect(read(one ?? "")).toBe(first);
});

test("a file that became another one is read again", () => {
  const files = new RecentFiles(100);
  const file = written("package", "bytes");
  const { atime, mtime } = statSync(file);
  expect(files.read(file, statSync(file)).toString()).toBe("bytes");
  renameSync(written("other", "BYTES"), file);
  utimesSync(file, atime, mtime);
  expect(files.read(file, statSync(file)).toString()).toBe("BYTES");
  writeFileSync(file, "more bytes");
  expect(files.read(file, statSync(file)).toString()).toBe("more bytes");
});

test("a file that is larger than all the room is read each time", () => {
  const files = new RecentFiles(3);
  const file = written("package", "bytes");
  const first = files.read(file, statSync(file));
  expect(files.read(file, statSync(file))).toEqual(first);
  expect(files.read(file, statSync(file))).not.toBe(first);
});
