import { expect, test } from "vitest";
import { activePackages, type ScriptedHeader } from "./active-packages.ts";

const scriptlet = { interpreter: ["/bin/sh"], body: "true", flags: 0 };

interface Words {
  readonly provides?: readonly string[];
  readonly requires?: readonly string[];
  readonly files?: readonly string[];
  readonly scriptlets?: readonly string[];
  readonly watches?: { readonly family: string; readonly names: readonly string[]; event?: string };
}

function header(name: string, words: Words = {}): ScriptedHeader {
  const named = (names: readonly string[] = []): object[] => names.map((one) => ({ name: one }));
  const { watches } = words;
  return {
    name,
    provides: named([name, ...(words.provides ?? [])]),
    requires: named(words.requires),
    files: (words.files ?? []).map((path) => ({ path })),
    scriptlets: Object.fromEntries((words.scriptlets ?? []).map((kind) => [kind, scriptlet])),
    triggers:
      watches === undefined
        ? []
        : [{ ...scriptlet, event: "in", ...watches, conditions: named(watches.names) }],
  } as unknown as ScriptedHeader;
}

const active = (...headers: readonly ScriptedHeader[]): string[] => {
  const found = activePackages(headers);
  return headers.filter((_, index) => found[index]).map(({ name }) => name);
};

test("where there are no scriptlets, no package takes part", () => {
  expect(active(header("a", { requires: ["b"] }), header("b"))).toEqual([]);
});

test.each(["pretrans", "pre", "post", "posttrans"])("%s takes part, with all it needs", (kind) => {
  expect(
    active(
      header("a", { scriptlets: [kind], requires: ["libb.so()(64bit)", "rpmlib(X)"] }),
      header("b", { provides: ["libb.so()(64bit)"], requires: ["/usr/share/c"] }),
      header("c", { files: ["/usr/share/c"] }),
      header("shell", { provides: ["/bin/sh"] }),
      header("inert", { requires: ["a"] }),
    ),
  ).toEqual(["a", "b", "c", "shell"]);
});

test("scriptlets that an installation does not run take no part", () => {
  expect(active(header("a", { scriptlets: ["preun", "postun", "verify"] }))).toEqual([]);
});

test("each operand of a rich dependency is needed", () => {
  const a = header("a", { scriptlets: ["post"], requires: ["((b with b >= 1) or c)"] });
  expect(active(a, header("b"), header("c"), header("d"))).toEqual(["a", "b", "c"]);
});

test.each(["file", "transaction"])("a %s trigger calls packages by their files", (family) => {
  expect(
    active(
      header("fontconfig", { watches: { family, names: ["/usr/share/fonts", "/etc/fonts"] } }),
      header("font", { files: ["/usr/share/fonts/a.ttf"], requires: ["font-common"] }),
      header("font-common"),
      header("other", { files: ["/usr/share/other/fonts"] }),
    ),
  ).toEqual(["fontconfig", "font", "font-common"]);
});

test("a package trigger calls packages by name", () => {
  const watches = { family: "package", names: ["b"] };
  expect(active(header("a", { watches }), header("b"), header("c"))).toEqual(["a", "b"]);
});

test("a trigger of removal calls none, and its package takes part", () => {
  const watches = { family: "file", names: ["/"], event: "postun" };
  expect(active(header("a", { watches }), header("b", { files: ["/b"] }))).toEqual(["a"]);
});
