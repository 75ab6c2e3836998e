import { expect, test } from "vitest";
import { lockChange } from "./lock-change.ts";
import type { ImageLock } from "./lock-file.ts";

const entry = (nevra: string, size: number, sha256 = nevra): ImageLock["packages"][number] => ({
  ...{ nevra, size, sha256 },
  repository: "cleanroom",
  source: `${nevra}.src.rpm`,
});

const lock = (...packages: ImageLock["packages"]): ImageLock => ({
  arch: "x86_64",
  repositories: { cleanroom: "1" },
  requires: ["a"],
  packages,
  layers: [],
});

test("a first lock names every package and the sum", () => {
  const { changed, lines } = lockChange(undefined, lock(entry("a-1-1.x86_64", 2_000_000)));
  expect(changed).toBe(true);
  expect(lines).toEqual(["+ a-1-1.x86_64 (cleanroom): +2.0 MB", "1 packages, 2.0 MB installed"]);
});

test("what changed, in words and megabytes", () => {
  const before = lock(
    entry("a-1-1.x86_64", 2_000_000),
    entry("b-1:1-1.x86_64", 1_000_000),
    entry("c-1-1.noarch", 500_000),
    entry("e-1-1.noarch", 500_000, "one"),
  );
  const after = lock(
    entry("a-2-1.x86_64", 2_500_000),
    entry("b-1:1-1.x86_64", 1_000_000),
    entry("d-1-1.noarch", 300_000),
    entry("e-1-1.noarch", 500_000, "two"),
  );
  expect(lockChange(before, after).lines).toEqual([
    "+ d-1-1.noarch (cleanroom): +0.3 MB",
    "~ a 1-1 -> 2-1: +0.5 MB",
    "~ e 1-1, built anew: +0.0 kB",
    "- c-1-1.noarch: -0.5 MB",
    "4 packages, 4.3 MB installed (+0.3 MB)",
  ]);
});

test("another state of the repositories alone changes nothing", () => {
  const before = lock(entry("a-1-1.x86_64", 1));
  const { changed, lines } = lockChange(before, { ...before, repositories: { cleanroom: "2" } });
  expect(changed).toBe(false);
  expect(lines).toEqual(["1 packages, 0.0 kB installed"]);
});
