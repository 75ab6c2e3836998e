import { expect, test } from "vitest";
import { closureOf, type ClosurePackage, nevraOf } from "./closure.ts";

const entry = (name: string, more: Partial<ClosurePackage> = {}): ClosurePackage => ({
  name,
  epoch: 0,
  version: "1",
  release: "2",
  arch: "x86_64",
  sha256: name.padEnd(64, "0"),
  sizeBytes: 1,
  repository: "base",
  location: `Packages/${name}.rpm`,
  sourceRpm: `${name}-1-2.src.rpm`,
  ...more,
});

test("the epoch is part of a NEVRA unless it is zero", () => {
  expect(nevraOf(entry("a"))).toBe("a-1-2.x86_64");
  expect(nevraOf(entry("a", { epoch: 3 }))).toBe("a-3:1-2.x86_64");
});

test("the order of packages does not matter", () => {
  const [a, b] = [entry("a"), entry("b")];
  expect(closureOf([b, a])).toEqual(closureOf([a, b]));
  expect(closureOf([b, a]).packages.map(({ name }) => name)).toEqual(["a", "b"]);
});

test("the digest is over what the packages are, not over where they came from", () => {
  const here = closureOf([entry("a")]);
  expect(closureOf([entry("a", { repository: "other" })]).digest).toBe(here.digest);
  expect(closureOf([entry("a", { sha256: "f".repeat(64) })]).digest).not.toBe(here.digest);
});
