import { expect, test } from "vitest";
import { suggestCuts, type SuggestionInput } from "./suggest.ts";

const rpm = (
  name: string,
  more: Partial<SuggestionInput> & { readonly source: string },
): SuggestionInput => ({
  name,
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

const wanted = { images: ["gtk", "unknown"], builds: ["gtk-devel >= 1"] };

test("subpackages that nothing installs, and Requires that nothing uses, by what they would spare", () => {
  expect(suggestCuts("gtk", rpms, wanted)).toEqual([
    {
      kind: "requires",
      packageName: "gtk",
      dependency: "icons",
      sparedBytes: 900,
      sparedFrom: "images",
      why: "no file links icons, and rpm found no other need of it",
    },
    {
      kind: "subpackage",
      packageName: "gtk-demos",
      dependency: undefined,
      sparedBytes: 70,
      sparedFrom: "repository",
      why: "no image and no build installs it",
    },
  ]);
});

test("nothing is suggested for what is used", () => {
  expect(suggestCuts("glib", rpms, wanted)).toEqual([]);
});

test("what only builds install is spared there", () => {
  expect(suggestCuts("gtk", rpms, { images: [], builds: ["gtk"] })).toContainEqual(
    expect.objectContaining({ dependency: "icons", sparedFrom: "build roots" }),
  );
});
