import { expect, test } from "vitest";
import { diffGenerations } from "./diff.ts";
import type { PublishedPackage } from "./published-package.ts";

function packages(...texts: readonly string[]): { packages: PublishedPackage[] } {
  return {
    packages: texts.map((text) => {
      const [nevra = "", sha256 = nevra] = text.split("#");
      const [name = ""] = nevra.split("-");
      return { name, arch: "noarch", nevra, sha256 } as PublishedPackage;
    }),
  };
}

test("packages are added, removed, changed or built again", () => {
  const before = packages("a-1-1.noarch", "b-1-1.noarch", "c-1-1.noarch", "d-1-1.noarch#x");
  const after = packages("a-1-1.noarch", "c-2-1.noarch", "d-1-1.noarch#y", "e-1-1.noarch");
  expect(diffGenerations(before, after)).toEqual([
    { name: "b", arch: "noarch", from: "b-1-1.noarch", to: null, kind: "removed" },
    { name: "c", arch: "noarch", from: "c-1-1.noarch", to: "c-2-1.noarch", kind: "changed" },
    { name: "d", arch: "noarch", from: "d-1-1.noarch", to: "d-1-1.noarch", kind: "rebuilt" },
    { name: "e", arch: "noarch", from: null, to: "e-1-1.noarch", kind: "added" },
  ]);
});

test("one more version of a package is an addition", () => {
  expect(
    diffGenerations(packages("a-1-1.noarch"), packages("a-1-1.noarch", "a-2-1.noarch")),
  ).toEqual([{ name: "a", arch: "noarch", from: null, to: "a-2-1.noarch", kind: "added" }]);
});

test("equal generations have no difference", () => {
  expect(diffGenerations(packages("a-1-1.noarch"), packages("a-1-1.noarch"))).toEqual([]);
});
