import { expect, test } from "vitest";
import { type BuildInputs, describeChange, inputChanges } from "./build-inputs.ts";

const before: BuildInputs = {
  spec: "s1",
  sources: { "a.tar": "1".repeat(64), "old.patch": "2".repeat(64) },
  packages: {
    gcc: { nevra: "gcc-14-1.x86_64", sha256: "a".repeat(64) },
    zlib: { nevra: "zlib-1-1.x86_64", sha256: "b".repeat(64) },
    gone: { nevra: "gone-1-1.noarch", sha256: "c".repeat(64) },
  },
  macros: { dist: ".cr1" },
  arch: "x86_64",
  tools: "4".repeat(64),
};

test("the same inputs have no changes", () => {
  expect(inputChanges(before, before)).toEqual([]);
});

test("every kind of change, in words", () => {
  const after: BuildInputs = {
    spec: "s2",
    sources: { "a.tar": "3".repeat(64), "new.patch": "2".repeat(64) },
    packages: {
      gcc: { nevra: "gcc-15-1.x86_64", sha256: "d".repeat(64) },
      zlib: { nevra: "zlib-1-1.x86_64", sha256: "e".repeat(64) },
      more: { nevra: "more-1-1.noarch", sha256: "f".repeat(64) },
    },
    macros: { dist: ".cr2", extra: "1" },
    arch: "aarch64",
    tools: "5".repeat(64),
  };
  expect(inputChanges(before, after).map(describeChange)).toEqual([
    "its spec changed, as it is built",
    "source a.tar changed: 111111111111 -> 333333333333",
    "source new.patch is new",
    "source old.patch is no longer there",
    "macro %dist changed: .cr1 -> .cr2",
    "macro %extra changed: undefined -> 1",
    "the architecture changed: x86_64 -> aarch64",
    "the tools that install its build root changed: 444444444444 -> 555555555555",
    "its build root has gcc-15-1.x86_64 in place of gcc-14-1.x86_64",
    "its build root loses gone-1-1.noarch",
    "its build root gains more-1-1.noarch",
    "zlib in its build root was rebuilt differently: bbbbbbbbbbbb -> eeeeeeeeeeee",
  ]);
});
