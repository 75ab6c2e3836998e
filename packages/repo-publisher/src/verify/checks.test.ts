import { expect, test } from "vitest";
import { findOffenders, offendersError } from "./checks.ts";
import type { Inspection } from "./inspect-repository.ts";

type Inspected = Inspection["packages"][number];

function inspected(name: string, more: Partial<Inspected>): Inspected {
  return {
    nevra: `${name}-1-1.x86_64`,
    name,
    sourceRpm: `${name}-1-1.src.rpm`,
    location: `Packages/${name}.rpm`,
    sha256: name.padEnd(64, "0"),
    sizeBytes: 1,
    requires: [],
    provides: [`${name} = 1-1`],
    ...more,
  };
}

const packages = [
  inspected("a", { requires: ["libX11.so.6()(64bit)", "glibc"] }),
  inspected("b", { requires: ["(c or (d and pkgconfig(x11) >= 1.2))"] }),
  inspected("libX11", { provides: ["libX11.so.6()(64bit)"] }),
  inspected("clean", { requires: ["libwayland.so.0"] }),
];

test("what a profile forbids is found in plain and rich dependencies, and in what is provided", () => {
  const found = findOffenders(
    { packages, broken: [] },
    { forbid: ["libX11.so*", "pkgconfig(x11)"] },
  );
  expect(found.flatMap(({ reasons }) => reasons)).toEqual([
    "a-1-1.x86_64 requires libX11.so.6()(64bit)",
    "b-1-1.x86_64 requires (c or (d and pkgconfig(x11) >= 1.2))",
    "libX11-1-1.x86_64 provides libX11.so.6()(64bit)",
  ]);
});

test("the profiles of one source package bind its packages alone", () => {
  const devel = inspected("b-devel", { sourceRpm: "b-1-1.src.rpm", requires: ["libX11.so.6"] });
  const found = findOffenders(
    { packages: [...packages, devel], broken: [] },
    { forbidIn: { b: ["libX11.so*"] } },
  );
  expect(found).toEqual([
    {
      nevra: "b-devel-1-1.x86_64",
      sha256: "b-devel".padEnd(64, "0"),
      code: "repository-forbidden",
      reasons: ["b-devel-1-1.x86_64 requires libX11.so.6"],
    },
  ]);
});

test("a reason is who lacks what, without libsolv's preamble", () => {
  const lack = "nothing provides c needed by a-1-1.x86_64 from repository";
  const broken = [
    { nevra: "a-1-1.x86_64", reasons: ["conflicting requests", lack] },
    { nevra: "b-1-1.x86_64", reasons: ["conflicting requests"] },
  ];
  const found = findOffenders({ packages, broken }, {});
  expect(found.flatMap(({ reasons }) => reasons)).toEqual([
    lack,
    "b-1-1.x86_64: conflicting requests",
  ]);
  expect(offendersError(found).message).toBe(
    `2 packages could not be installed by anyone:\n    ${lack}\n    b-1-1.x86_64: conflicting requests`,
  );
});
