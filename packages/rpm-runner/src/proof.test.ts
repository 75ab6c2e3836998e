import { profileFileSchema, profileFromFile } from "@cleanroom/spec-strip";
import { expect, test } from "vitest";
import { forbiddenNeeds } from "./proof.ts";

const { forbid } = profileFromFile(
  "no-x11",
  profileFileSchema.parse({
    description: "No X11",
    forbid: ["libX11.so*", "pkgconfig(x11)", "libGL.so*"],
  }),
);

test("says which file of which package needs what, and leaves out what follows from that", () => {
  const rpm = "gtk3-3.24-1.x86_64.rpm";
  const needs = {
    rpm,
    name: "gtk3",
    installedBytes: 1,
    provides: [],
    requires: ["libX11.so.6()(64bit)", "libc.so.6()(64bit)", "pkgconfig(x11)"],
    files: [
      { path: "/usr/bin/a", needed: ["libc.so.6"], named: ["libGL.so.1", "libm.so.6"] },
      { path: "/usr/lib64/libgdk-3.so.0", needed: ["libX11.so.6", "libc.so.6"], named: [] },
    ],
  };
  expect(forbiddenNeeds([needs], forbid)).toEqual([
    {
      rpm,
      by: "/usr/lib64/libgdk-3.so.0",
      need: "libX11.so.6",
      rule: "no-x11: forbid: libX11.so*",
      how: "needs",
    },
    {
      rpm,
      by: "Requires",
      need: "pkgconfig(x11)",
      rule: "no-x11: forbid: pkgconfig(x11)",
      how: "needs",
    },
    {
      rpm,
      by: "/usr/bin/a",
      need: "libGL.so.1",
      rule: "no-x11: forbid: libGL.so*",
      how: "names",
    },
  ]);
});
