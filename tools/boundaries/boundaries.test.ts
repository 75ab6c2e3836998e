import { readFile } from "node:fs/promises";
import path from "node:path";
import fastGlob from "fast-glob";
import { describe, expect, test } from "vitest";

const workspace = path.resolve(import.meta.dirname, "../..");

/** Who may import whom. Names as they are imported; `cli` and `e2e` may import all. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "packages/core": [],
  "packages/rpm-parser": ["@cleanroom/core"],
  "packages/spec-strip": ["@cleanroom/core", "rpm-parser"],
  "packages/base-import": ["@cleanroom/core", "@cleanroom/spec-strip", "rpm-parser"],
  "packages/repo-publisher": ["@cleanroom/core", "rpm-parser"],
  "packages/rootfs": ["@cleanroom/core", "rpm-parser"],
  "packages/rpm-runner": [
    "@cleanroom/core",
    "@cleanroom/rootfs",
    "@cleanroom/spec-strip",
    "rpm-parser",
  ],
  "packages/image-composer": ["@cleanroom/core", "@cleanroom/rootfs", "rpm-parser"],
  "tools/nx-rpm": ["@cleanroom/core", "@cleanroom/spec-strip", "rpm-parser"],
};

const ours = (name: string): boolean => name === "rpm-parser" || name.startsWith("@cleanroom/");

function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

async function sourcesOf(room: string): Promise<Map<string, string>> {
  const files = await fastGlob(`${room}/src/**/*.ts`, { cwd: workspace });
  const texts = await Promise.all(
    files.map(async (file): Promise<[string, string]> => [
      file,
      await readFile(path.join(workspace, file), "utf8"),
    ]),
  );
  return new Map(texts);
}

describe.each(Object.entries(allowed))("%s", (room, mayImport) => {
  test("imports only the rooms it may", async () => {
    const sources = await sourcesOf(room);
    expect(sources.size).toBeGreaterThan(0);
    const wrong = [...sources].flatMap(([file, text]) =>
      importsOf(text)
        .filter((name) => ours(name) && !mayImport.includes(name))
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("reaches into no other room's files", async () => {
    const wrong = [...(await sourcesOf(room))].flatMap(([file, text]) =>
      importsOf(text)
        .filter((name) => name.startsWith("."))
        .filter((name) => !path.join(path.dirname(file), name).startsWith(`${room}/`))
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});

test.each(["packages/rpm-parser", "tools/nx-rpm"])("%s starts no process", async (room) => {
  const wrong = [...(await sourcesOf(room))]
    .filter(([file]) => !file.endsWith(".test.ts"))
    .filter(([, text]) => importsOf(text).some((name) => /^(node:child_process|execa)$/.test(name)))
    .map(([file]) => file);
  expect(wrong).toEqual([]);
});

test("commands are run in one place", async () => {
  const files = await fastGlob("{packages,tools,e2e}/**/*.ts", {
    cwd: workspace,
    ignore: ["**/node_modules/**"],
  });
  const users: string[] = [];
  for (const file of files) {
    const text = await readFile(path.join(workspace, file), "utf8");
    if (importsOf(text).some((name) => /^(node:child_process|execa)$/.test(name))) users.push(file);
  }
  expect(users.toSorted()).toEqual([
    "packages/core/src/run.ts",
    // A measuring tool, whose evaluator wants the output of `%(...)` at once, in mid-expansion.
    "tools/spec-corpus/src/sandbox.ts",
  ]);
});
