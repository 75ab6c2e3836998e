import { expect, test } from "vitest";
import { suggestCuts, type SuggestionInput } from "./suggest.ts";

const rpm = (
  name: string,
  more: Partial<SuggestionInput> & { readonly source: string },
): SuggestionInput => ({
  rpm: `${name}-1-1.x86_64.rpm`,
  name,
  files: [],
  declared: [],
  requires: [],
  installedBytes: 1000,
  ...more,
  provides: [name, ...(more.provides ?? [])],
});

const rpms = [
  rpm("gtk", {
    source: "gtk",
    declared: ["icons", "glib = 1", "(tool if glib)"],
    requires: ["icons", "glib", "libglib.so.0()(64bit)"],
  }),
  rpm("gtk-devel", { source: "gtk", declared: ["gtk = 1"], requires: ["gtk"] }),
  rpm("gtk-demos", { source: "gtk", declared: ["gtk = 1"], requires: ["gtk"], installedBytes: 70 }),
  rpm("glib", { source: "glib", provides: ["libglib.so.0()(64bit)"] }),
  rpm("icons", { source: "icons", declared: ["theme"], requires: ["theme"], installedBytes: 500 }),
  rpm("theme", { source: "icons", installedBytes: 400 }),
];

test("subpackages that nothing installs, and Requires that nothing uses, by what they would spare", () => {
  expect(suggestCuts("gtk", rpms, ["gtk", "gtk-devel >= 1", "unknown"])).toEqual([
    {
      kind: "requires",
      packageName: "gtk",
      dependency: "icons",
      sparedBytes: 900,
      why: "no file links icons, and rpm found no other need of it",
    },
    {
      kind: "subpackage",
      packageName: "gtk-demos",
      dependency: undefined,
      sparedBytes: 70,
      why: "no image and no build installs it",
    },
  ]);
});

test("nothing is suggested for what is used", () => {
  expect(suggestCuts("glib", rpms, ["gtk"])).toEqual([]);
});
