import { type HeaderDependency, senseBits } from "rpm-parser";
import { expect, test } from "vitest";
import { repodataDependency, repodataRequires } from "./repodata-dependencies.ts";

function dependency(text: string, flags = 0): HeaderDependency {
  const [name = "", operator, evr] = text.split(" ");
  const versioned =
    operator === undefined || evr === undefined
      ? {}
      : { operator: operator as NonNullable<HeaderDependency["operator"]>, evr };
  return { name, ...versioned, flags, text, qualifiers: [] };
}

function requiresOf(
  requires: readonly string[],
  more: { provides?: string[]; files?: string[] } = {},
) {
  const dependencies = {
    requires: requires.map((text) => dependency(text)),
    provides: (more.provides ?? []).map((text) => dependency(text)),
  };
  const primaryFiles = (more.files ?? []).map((path) => ({ path }));
  return repodataRequires(dependencies, primaryFiles).map((one) => one.name);
}

test("an EVR is taken apart; without an epoch it is 0", () => {
  expect(repodataDependency(dependency("glib2 >= 2.84.4-1"))).toEqual({
    name: "glib2",
    flags: "GE",
    epoch: "0",
    version: "2.84.4",
    release: "1",
    pre: false,
  });
  expect(repodataDependency(dependency("perl = 4:5.36"))).toEqual({
    name: "perl",
    flags: "EQ",
    epoch: "4",
    version: "5.36",
    pre: false,
  });
});

test("what a scriptlet needs is marked", () => {
  expect(repodataDependency(dependency("/bin/sh", senseBits.post)).pre).toBe(true);
});

test("rpmlib(), what the package meets itself and what is said twice are left out", () => {
  expect(
    requiresOf(["rpmlib(CompressedFileNames) <= 3.0.4-1", "a", "a", "b = 1", "/usr/bin/own", "c"], {
      provides: ["c", "b = 2"],
      files: ["/usr/bin/own"],
    }),
  ).toEqual(["a", "b"]);
});

test("of the C library's symbol versions the highest stays, at the end", () => {
  expect(
    requiresOf([
      "libc.so.6()(64bit)",
      "libc.so.6(GLIBC_2.34)(64bit)",
      "libc.so.6(GLIBC_2.4)(64bit)",
      "libc.so.6(GLIBC_ABI_DT_RELR)(64bit)",
      "libm.so.6()(64bit)",
    ]),
  ).toEqual(["libm.so.6()(64bit)", "libc.so.6(GLIBC_2.34)(64bit)"]);
});
