import { appendFile, mkdtemp, readFile, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sha256, sha256Json } from "./digest.ts";
import { ProgramMemory } from "./program-memory.ts";

let file: string;

beforeEach(async () => {
  file = path.join(await mkdtemp(path.join(tmpdir(), "memory-")), "memory");
});

const inputs = sha256("inputs");
const value = { name: "gl\nib ü", needs: [1, null] };

function remembered(some: typeof value | string = value): void {
  const memory = new ProgramMemory(file);
  memory.remember(inputs, some);
  memory.save();
}

const recalled = (): unknown => new ProgramMemory(file).recall(inputs);

test("what one run worked out, the next one knows", () => {
  expect(recalled()).toBeUndefined();
  remembered();
  expect(recalled()).toEqual(value);
  expect(new ProgramMemory(file).recall(sha256Json("others"))).toBeUndefined();
});

test("what a run worked out itself, it knows before it ends", () => {
  remembered("before");
  const memory = new ProgramMemory(file);
  memory.remember(inputs, value);
  expect(memory.recall(inputs)).toEqual(value);
});

test("what is worked out again takes the place of what was", () => {
  remembered("before");
  remembered();
  expect(recalled()).toEqual(value);
});

test("half a line counts as none, and harms no other", async () => {
  remembered();
  await truncate(file, (await readFile(file)).length - 3);
  expect(recalled()).toBeUndefined();
  remembered();
  expect(recalled()).toEqual(value);
  await appendFile(file, `${inputs} {"name":\n`);
  expect(recalled()).toBeUndefined();
});

test.each(["", "\n\n", "\0".repeat(4096), "no memory\nat all\n"])(
  "%j is no memory",
  async (text) => {
    await writeFile(file, text);
    expect(recalled()).toBeUndefined();
    remembered();
    expect(recalled()).toEqual(value);
  },
);

test("a place that cannot be written costs nothing but time", () => {
  file = path.join(file, "not", "there");
  remembered();
  expect(recalled()).toBeUndefined();
});

test("without a file nothing is kept", () => {
  const memory = new ProgramMemory(undefined);
  memory.remember(inputs, value);
  expect(memory.recall(inputs)).toBeUndefined();
});

test("what a thread hands over is kept by the one that learns it, and by no other", () => {
  const learning = new ProgramMemory(file);
  const thread = new ProgramMemory(file);
  thread.handOver((learnt) => {
    learning.learn(learnt);
  });
  thread.remember(inputs, value);
  thread.save();
  expect(recalled()).toBeUndefined();
  expect(learning.recall(inputs)).toEqual(value);
  learning.save();
  expect(recalled()).toEqual(value);
});

test("without a file, what was learnt is known as long as the run takes", () => {
  const memory = new ProgramMemory(undefined);
  memory.learn({ inputs, json: JSON.stringify(value) });
  memory.save();
  expect(memory.recall(inputs)).toEqual(value);
});
