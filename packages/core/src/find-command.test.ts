import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { findCommand } from "./find-command.ts";

test("a command is a file that can be run, on the search path or in another folder", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "commands-"));
  await writeFile(path.join(folder, "own-command"), "", { mode: 0o755 });
  await writeFile(path.join(folder, "own-text"), "", { mode: 0o644 });
  expect(findCommand("sh")).toMatch(/\/sh$/);
  expect(findCommand("own-command")).toBeUndefined();
  expect(findCommand("own-command", ["/nowhere", folder])).toBe(path.join(folder, "own-command"));
  expect(findCommand("own-text", [folder])).toBeUndefined();
  expect(findCommand("own-other", [folder])).toBeUndefined();
});
