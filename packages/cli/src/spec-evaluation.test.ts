import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { MacroTable } from "rpm-parser";
import { expect, it } from "vitest";
import { evaluateFile } from "./spec-evaluation.ts";

const folder = mkdtempSync(path.join(tmpdir(), "spec-evaluation-"));

async function included(name: string): Promise<string> {
  const file = path.join(folder, "a.spec");
  writeFileSync(file, `%include ${name}\n`);
  const surroundings = { macros: new MacroTable(), shell: { kind: "deny" } as const };
  const { evaluation } = await evaluateFile(file, surroundings, {});
  return evaluation.expandedText;
}

it("an include reads files beside the spec, and follows no way out", async () => {
  writeFileSync(path.join(folder, "inside"), "Name: inside\n");
  symlinkSync("/etc/passwd", path.join(folder, "passwd"));
  symlinkSync("/dev/zero", path.join(folder, "zero"));
  expect(await included("inside")).toContain("inside");
  for (const name of [
    "passwd",
    "zero",
    "/etc/passwd",
    "../../etc/passwd",
    "none",
    ".",
    "a\0b",
    "x".repeat(5000),
  ]) {
    expect((await included(name)).trim()).toBe("");
  }
});
