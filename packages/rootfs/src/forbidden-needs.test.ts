import { nameMatcher } from "@cleanroom/core";
import { expect, test } from "vitest";
import { forbiddenNeeds } from "./forbidden-needs.ts";

const rules = ["libX11.so*", "pkgconfig(x11)", "libGL.so*"].map((glob) => {
  const matches = nameMatcher([glob]);
  return {
    name: `no-x11: forbid: ${glob}`,
    matches: ({ name }: { name: string }) => matches(name),
  };
});

const gtk = {
  nevra: "gtk3-3.24-1.x86_64",
  name: "gtk3",
  installedBytes: 1,
  provides: [],
  requires: [],
  files: [],
};

test("says which file of which package needs what, and leaves out what follows from that", () => {
  const needs = {
    ...gtk,
    requires: ["libX11.so.6()(64bit)", "libc.so.6()(64bit)", "pkgconfig(x11) >= 1.6"],
    files: [
      { path: "/usr/bin/a", needed: ["libc.so.6"], named: ["libGL.so.1", "libm.so.6"] },
      { path: "/usr/lib64/libgdk-3.so.0", needed: ["libX11.so.6", "libc.so.6"], named: [] },
    ],
  };
  expect(forbiddenNeeds([needs], rules)).toEqual([
    {
      package: "gtk3-3.24-1.x86_64",
      by: "/usr/lib64/libgdk-3.so.0",
      need: "libX11.so.6",
      rule: "no-x11: forbid: libX11.so*",
      how: "needs",
    },
    {
      package: "gtk3-3.24-1.x86_64",
      by: "Requires",
      need: "pkgconfig(x11) >= 1.6",
      rule: "no-x11: forbid: pkgconfig(x11)",
      how: "needs",
    },
    {
      package: "gtk3-3.24-1.x86_64",
      by: "/usr/bin/a",
      need: "libGL.so.1",
      rule: "no-x11: forbid: libGL.so*",
      how: "names",
    },
  ]);
});

test("any way into a rich dependency counts", () => {
  const needs = { ...gtk, requires: ["(wayland or (libX11.so.6()(64bit) if x11))"] };
  expect(forbiddenNeeds([needs], rules)).toMatchObject([
    { need: "(wayland or (libX11.so.6()(64bit) if x11))", rule: "no-x11: forbid: libX11.so*" },
  ]);
});
