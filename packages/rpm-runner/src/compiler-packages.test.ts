import { expect, test } from "vitest";
import { compilersAmong } from "./compiler-packages.ts";

const packages = [
  { sha256: "files", provides: ["base-files", "/etc/os-release"], requires: ["awk"] },
  { sha256: "libc-bin", provides: ["libc-bin", "/usr/bin/ldd"], requires: ["libc.so.6()(64bit)"] },
  { sha256: "libc", provides: ["libc", "libc.so.6()(64bit)"], requires: [] },
  { sha256: "gcc", provides: ["gcc", "/usr/bin/gcc"], requires: ["gcc-14 = 14.2", "/bin/sh"] },
  {
    sha256: "gcc-14",
    provides: ["gcc-14", "/usr/bin/x86_64-linux-gnu-gcc-14", "/usr/libexec/gcc/cc1"],
    requires: ["binutils", "libmpfr.so.6()(64bit)", "(libfast if libslow)"],
  },
  { sha256: "binutils", provides: ["binutils", "/usr/bin/as"], requires: ["libc.so.6()(64bit)"] },
  { sha256: "mpfr", provides: ["libmpfr.so.6()(64bit)"], requires: ["libc.so.6()(64bit)"] },
  { sha256: "fast", provides: ["libfast"], requires: [] },
  { sha256: "dash", provides: ["dash", "/bin/sh"], requires: [] },
  { sha256: "wrapper", provides: ["/usr/lib/wrapper/gcc", "/usr/bin/gcc-ar"], requires: [] },
];

test("compilers count, with all that they run with; what else is in a build root does not", () => {
  const deciding = ["binutils", "dash", "fast", "gcc", "gcc-14", "libc", "mpfr"];
  const commands = ["gcc", "x86_64-linux-gnu-gcc-14"];
  expect(compilersAmong(packages)).toEqual({ commands, packages: deciding });
  expect(compilersAmong(packages.toReversed())).toEqual({ commands, packages: deciding });
});

test.each(["/usr/bin/clang", "/bin/cc", "/usr/bin/clang++-19"])(
  "so does another compiler that a spec asks for: %s",
  (file) => {
    const more = { sha256: "more", provides: ["more", file], requires: ["base-files"] };
    const found = compilersAmong([...packages, more]);
    expect(found.commands).toContain(file.replace(/.*\//, ""));
    expect(found.packages).toContain("more");
    expect(found.packages).toContain("files");
  },
);

test("where there is no compiler nothing decides", () => {
  expect(compilersAmong(packages.slice(0, 3))).toEqual({ commands: [], packages: [] });
});
