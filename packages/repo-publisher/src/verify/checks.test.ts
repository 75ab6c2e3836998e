import { expect, test } from "vitest";
import { explain, forbiddenCapabilities } from "./checks.ts";

test("what a profile forbids is found in plain and rich dependencies, and in what is provided", () => {
  const packages = [
    { nevra: "a-1-1.x86_64", requires: ["libX11.so.6()(64bit)", "glibc"], provides: ["a = 1-1"] },
    { nevra: "b-1-1.x86_64", requires: ["(c or (d and pkgconfig(x11) >= 1.2))"], provides: [] },
    { nevra: "libX11-1-1.x86_64", requires: [], provides: ["libX11.so.6()(64bit)"] },
    { nevra: "clean-1-1.x86_64", requires: ["libwayland.so.0"], provides: ["clean = 1-1"] },
  ];
  expect(forbiddenCapabilities(packages, ["libX11.so*", "pkgconfig(x11)"])).toEqual([
    "a-1-1.x86_64 requires libX11.so.6()(64bit)",
    "b-1-1.x86_64 requires (c or (d and pkgconfig(x11) >= 1.2))",
    "libX11-1-1.x86_64 provides libX11.so.6()(64bit)",
  ]);
});

test("a reason is who lacks what, without libsolv's preamble", () => {
  const lack = "nothing provides c needed by a-1-1.x86_64 from repository";
  expect(explain("a-1-1.x86_64", ["conflicting requests", lack])).toEqual([lack]);
  expect(explain("a-1-1.x86_64", ["conflicting requests"])).toEqual([
    "a-1-1.x86_64: conflicting requests",
  ]);
});
