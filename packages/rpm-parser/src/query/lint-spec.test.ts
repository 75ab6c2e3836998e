import { expect, it } from "vitest";
import { evaluateSpec } from "../evaluate/evaluate-spec.ts";
import { standardMacros } from "../macro/standard-macros.ts";
import { parseSpec } from "../syntax/parse-spec.ts";
import { lintSpec } from "./lint-spec.ts";

it("says what is seldom meant, in order of place", () => {
  const tree = parseSpec(
    [
      "Name: t",
      "Version: 1 ",
      "Release: 1",
      "Summary: s",
      "License: l",
      "BuildRoot: /x",
      "# %{name} %%{fine}",
      "Patch0: used.patch",
      "Patch1: unused.patch",
      "%global day %(date +%%d)",
      "%description",
      "%prep",
      "%patch -P 0",
      "Requires: a",
      "",
    ].join("\n"),
    "t.spec",
  );
  const found = lintSpec(tree, evaluateSpec(tree, { macros: standardMacros() }));
  expect(found.map((one) => [one.place.line, one.code])).toEqual([
    [2, "lint-trailing-space"],
    [6, "lint-obsolete-tag"],
    [7, "lint-macro-in-comment"],
    [9, "lint-unused-patch"],
    [10, "shell-not-run"],
    [10, "lint-shell-in-macro"],
  ]);
});
