import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger } from "@cleanroom/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Generation } from "../generation.ts";
import { copyGeneration } from "./export.ts";
import type { ExportTarget } from "./target.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "export-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A target in memory, and what was done to it, in order. */
function recordingTarget() {
  const files = new Map<string, string>();
  const steps: string[] = [];
  const put = (location: string, text: string): Promise<void> => {
    files.set(location, text);
    steps.push(location);
    return Promise.resolve();
  };
  const target: ExportTarget = {
    name: "memory",
    list: () => Promise.resolve(new Map([...files].map(([name, text]) => [name, text.length]))),
    read: (location) => Promise.resolve(files.get(location)),
    putFile: (location) => put(location, "x"),
    putText: put,
    remove(location) {
      files.delete(location);
      steps.push(`removed ${location}`);
      return Promise.resolve();
    },
  };
  return { files, steps, target };
}

/** A generation with one package; `digit` is what its digests are made of. */
async function generation(digit: string): Promise<Generation> {
  const primary = `repodata/${digit.repeat(64)}-primary.xml.zst`;
  const location = `Packages/h/hello-${digit}-1.noarch.${digit.repeat(12)}.rpm`;
  const own = path.join(folder, digit);
  await mkdir(path.join(own, "repodata"), { recursive: true });
  const record = { version: 1, id: digit.repeat(16), repository: "cleanroom", packages: [] };
  const texts = {
    [primary]: "x",
    "repodata/repomd.xml": `<location href="${primary}"/>`,
    "repodata/repomd.xml.asc": `signature ${digit}`,
    "RPM-GPG-KEY-cleanroom": "key",
    "cleanroom.repo": "baseurl=\ngpgkey=\n",
    "generation.json": JSON.stringify(record),
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(path.join(own, name), text);
  return { folder: own, packages: [{ location, sizeBytes: 1 }] } as unknown as Generation;
}

const isContent = (step: string): boolean => /\.(?:rpm|zst)$/.test(step);

test("what points at files comes after all of them, and nothing goes before that", async () => {
  const { files, steps, target } = recordingTarget();
  for (const digit of ["1", "2", "3"]) {
    steps.length = 0;
    const options = { generation: await generation(digit), to: "/memory", logger: silentLogger };
    await copyGeneration(target, options);
    const pointer = steps.indexOf("repodata/repomd.xml");
    const puts = steps.filter((step) => isContent(step) && !step.startsWith("removed"));
    expect(puts).toHaveLength(2);
    expect(Math.max(...puts.map((step) => steps.indexOf(step)))).toBeLessThan(pointer);
    const removed = steps.findIndex((step) => step.startsWith("removed"));
    expect(removed === -1 || removed > pointer).toBe(true);
    expect(files.get("repodata/repomd.xml")).toContain(digit.repeat(64));
    expect(files.get("repodata/repomd.xml.asc")).toBe(`signature ${digit}`);
  }
  // The one before stays for its clients; the one before that is gone.
  expect([...files.keys()].filter((one) => one.endsWith(".zst"))).toEqual([
    `repodata/${"2".repeat(64)}-primary.xml.zst`,
    `repodata/${"3".repeat(64)}-primary.xml.zst`,
  ]);
});
