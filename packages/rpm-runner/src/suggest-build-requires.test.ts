import { expect, test } from "vitest";
import { realPaths } from "./build-trace.ts";
import {
  type BuildTrace,
  type RootPackage,
  suggestBuildRequires,
} from "./suggest-build-requires.ts";

const inRoot = (
  name: string,
  files: readonly string[],
  more: Partial<RootPackage> = {},
): RootPackage => ({
  name,
  installedBytes: 100,
  requires: [],
  files,
  ...more,
  provides: [name, ...(more.provides ?? [])],
});

const packages = [
  inRoot("gcc", ["/usr/bin/gcc"], { requires: ["libz.so.1()(64bit)"] }),
  inRoot("zlib", ["/usr/lib64/libz.so.1"], { provides: ["libz.so.1()(64bit)"] }),
  inRoot("zlib-devel", ["/usr/include/zlib.h", "/usr/lib64/pkgconfig/zlib.pc"], {
    provides: ["pkgconfig(zlib)"],
    requires: ["libz.so.1()(64bit)", "zlib = 1"],
  }),
  inRoot("glib-devel", ["/usr/include/glib.h", "/usr/lib64/pkgconfig/glib.pc"], {
    provides: ["pkgconfig(glib)", "pkgconfig(gobject)"],
    requires: ["glib"],
  }),
  inRoot("glib", ["/usr/lib64/libglib.so.0.1"], { installedBytes: 900 }),
  inRoot("manuals", [], { requires: ["doc-tool"] }),
  inRoot("doc-tool", ["/usr/bin/doc"], { requires: ["(fonts if gcc)"] }),
  inRoot("fonts", ["/usr/share/fonts/a"], { installedBytes: 5000 }),
];

const trace = (opened: readonly string[], more: Partial<BuildTrace> = {}): BuildTrace => ({
  name: "demo",
  buildRequires: [
    "gcc",
    "pkgconfig(zlib)",
    "pkgconfig(glib) >= 2",
    "pkgconfig(gobject)",
    "manuals",
  ],
  always: ["gcc"],
  packages,
  opened: new Set(["/usr/bin/gcc", ...opened]),
  needed: new Set(),
  ...more,
});

const suggested = (one: BuildTrace): string[] =>
  suggestBuildRequires(one).map(
    ({ dependency, why, sparedBytes }) => `${dependency}: ${why.split(":")[0]}: ${sparedBytes}`,
  );

test("what no process opened a file of goes, with all that it alone brings, most first", () => {
  expect(suggested(trace(["/usr/include/zlib.h"]))).toEqual([
    "manuals: never opened: 5200",
    "pkgconfig(glib) >= 2, pkgconfig(gobject): never opened: 1000",
  ]);
});

test("a package without files of its own is used when what it brings is", () => {
  const all = ["/usr/include/zlib.h", "/usr/include/glib.h", "/usr/share/fonts/a"];
  expect(suggested(trace(all))).toEqual([]);
});

test("what pkg-config alone opened is told apart, unless its library is linked", () => {
  const opened = [
    ...["/usr/lib64/pkgconfig/zlib.pc", "/usr/lib64/pkgconfig/glib.pc"],
    ...["/usr/lib64/libz.so.1", "/usr/bin/doc"],
  ];
  expect(suggested(trace(opened))).toEqual([
    "pkgconfig(glib) >= 2, pkgconfig(gobject): opened only by pkg-config: 1000",
    "pkgconfig(zlib): opened only by pkg-config: 100",
  ]);
  expect(suggested(trace(opened, { needed: new Set(["libz.so.1()(64bit)"]) }))).toEqual([
    "pkgconfig(glib) >= 2, pkgconfig(gobject): opened only by pkg-config: 1000",
  ]);
});

test("nothing is said of what every build root holds, or of what it does not hold", () => {
  const opened = ["/usr/include/zlib.h"];
  expect(suggested(trace(opened, { buildRequires: ["gcc", "gone"], always: ["gcc"] }))).toEqual([]);
});

test("files are found through links among folders", () => {
  const realPath = realPaths([
    { path: "/lib", type: "symlink", linkTarget: "usr/lib" },
    { path: "/usr/lib/alias", type: "symlink", linkTarget: "/opt/./x" },
    { path: "/loop", type: "symlink", linkTarget: "loop" },
  ]);
  expect(realPath("/lib/alias/a")).toBe("/opt/x/a");
  expect(realPath("/lib/b")).toBe("/usr/lib/b");
  expect(realPath("/loop/c")).toBe("/loop/c");
  expect(realPath("/d")).toBe("/d");
});
