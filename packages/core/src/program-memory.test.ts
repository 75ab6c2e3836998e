import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sha256, sha256Json } from "./digest.ts";
import { ProgramMemory } from "./program-memory.ts";

let folder: string;

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), "memory-")), "memory");
});

const inputs = sha256("inputs");

test("what one run worked out, the next one knows", () => {
  expect(new ProgramMemory(folder).recall(inputs)).toBeUndefined();
  new ProgramMemory(folder).remember(inputs, { name: "glib", needs: [1, null] });
  expect(new ProgramMemory(folder).recall(inputs)).toEqual({ name: "glib", needs: [1, null] });
  expect(new ProgramMemory(folder).recall(sha256Json("others"))).toBeUndefined();
});

test.each(["", '{"name":', "\0\0\0\0"])("half a value (%j) counts as none", async (text) => {
  const memory = new ProgramMemory(folder);
  memory.remember(inputs, "whole");
  await writeFile(path.join(folder, inputs), text);
  expect(memory.recall(inputs)).toBeUndefined();
  memory.remember(inputs, "whole");
  expect(memory.recall(inputs)).toBe("whole");
  expect(await readdir(folder)).toEqual([inputs]);
});

test("a folder that cannot be written costs nothing but time", async () => {
  await writeFile(folder, "a file");
  const memory = new ProgramMemory(folder);
  memory.remember(inputs, "value");
  expect(memory.recall(inputs)).toBeUndefined();
});

test("without a folder nothing is kept", () => {
  const memory = new ProgramMemory(undefined);
  memory.remember(inputs, "value");
  expect(memory.recall(inputs)).toBeUndefined();
});
