import { parseMacroFile, standardMacros } from "rpm-parser";
import { expect, test } from "vitest";
import { macroFileText } from "./macro-file.ts";

test("macros in rpm's own file format, lines of a body joined", () => {
  expect(macroFileText({ dist: ".cr1", "meson(-x)": "a\nb" })).toBe(
    "%dist .cr1\n%meson(-x) a\\\nb\n",
  );
});

test("the format is what a macro parser reads", () => {
  const table = parseMacroFile(macroFileText({ two: "first\nsecond" }), standardMacros(), "m");
  expect(table.get("two")?.body).toBe("first\nsecond");
});
