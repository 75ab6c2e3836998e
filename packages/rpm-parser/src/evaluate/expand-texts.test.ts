import { expect, test } from "vitest";
import { macrosFromRecord } from "../macro/table.ts";
import { standardMacros } from "../macro/standard-macros.ts";
import { expandTexts } from "./expand-texts.ts";

const macros = macrosFromRecord({ name: "a" }, standardMacros());

test("pieces are expanded in order, each text once, and what cannot be stays as it is", () => {
  const texts = ["%{name}-1", "%global name b", "plain", "%{name}-2", "%{name", "%{name}-1"];
  expect([...expandTexts(texts, macros)]).toEqual([
    ["%{name}-1", "a-1"],
    ["%global name b", ""],
    ["plain", "plain"],
    ["%{name}-2", "b-2"],
    ["%{name", "%{name"],
  ]);
});

test("nothing runs for a piece", () => {
  expect(expandTexts(["%(echo ran)"], macros).get("%(echo ran)")).not.toContain("ran");
});
