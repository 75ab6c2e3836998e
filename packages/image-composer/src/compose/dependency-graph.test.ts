import type { HeaderDependency, RpmHeader } from "rpm-parser";
import { expect, test } from "vitest";
import { chainTo, dependencyGraph } from "./dependency-graph.ts";

const dependency = (text: string): HeaderDependency =>
  ({ name: text.startsWith("(") ? text : text.split(" ")[0], text }) as HeaderDependency;

const header = (name: string, requires: string[], provides: string[] = [], files: string[] = []) =>
  ({
    name,
    requires: requires.map(dependency),
    provides: [name, ...provides].map(dependency),
    files: files.map((path) => ({ path })),
  }) as unknown as RpmHeader;

const headers = [
  header("glib2", ["libpcre2-8.so.0()(64bit)", "rpmlib(CompressedFileNames) <= 3.0.4-1"]),
  header("pcre2", ["(musl or libc.so.6(GLIBC_2.34)(64bit))"], ["libpcre2-8.so.0()(64bit)"]),
  header("glibc", ["/bin/sh"], ["libc.so.6(GLIBC_2.34)(64bit)"]),
  header("dash", ["debianutils >= 5.6"], [], ["/bin/sh"]),
  header("debianutils", []),
  header("orphan", []),
];
const graph = dependencyGraph(headers, ["glib2 >= 2.80"]);

test("edges go by names, sonames, files and the names in rich dependencies", () => {
  expect(graph.wanted).toEqual([{ supplier: 0, capability: "glib2 >= 2.80" }]);
  expect(graph.needs.map((needs) => needs.map(({ supplier }) => supplier))).toEqual([
    ...[[1], [2], [3], [4], [], []],
  ]);
});

test("a chain says how a package came in", () => {
  expect(chainTo(graph, headers, 4)).toBe(
    "image -> glib2 -> pcre2 (libpcre2-8.so.0()(64bit)) -> glibc ((musl or libc.so.6(GLIBC_2.34)(64bit))) -> dash (/bin/sh) -> debianutils",
  );
  expect(chainTo(graph, headers, 5)).toBe("orphan");
});
