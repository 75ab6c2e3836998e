import { expect, test } from "vitest";
import { z } from "zod";
import { CleanroomError, formatError } from "./error.ts";
import { parseYaml } from "./yaml-file.ts";

const schema = z.strictObject({
  name: z.string(),
  layers: z.strictObject({ budget: z.int() }).optional(),
  suites: z.array(z.strictObject({ name: z.string() })).optional(),
});

function failure(text: string): string {
  try {
    parseYaml(text, schema, "image.yaml");
  } catch (error) {
    if (error instanceof CleanroomError) return formatError(error);
    throw error;
  }
  return expect.unreachable("it should have failed");
}

test("a good file is its value", () => {
  expect(parseYaml("name: a\nlayers: { budget: 3 }\n", schema, "f")).toEqual({
    name: "a",
    layers: { budget: 3 },
  });
});

test("an unknown key is named with its place and the nearest valid one", () => {
  expect(failure("name: a\nlayers:\n  bugdet: 3\n  budget: 1\n")).toBe(
    'image.yaml:3:3: layers: unknown key "bugdet"; did you mean "budget"? (known: budget)',
  );
});

test("a wrong type is named with its place and what was expected", () => {
  expect(failure("name: a\nlayers:\n  budget: many\n")).toMatch(
    /^image\.yaml:3:11: layers\.budget: .*expected (int|number)/,
  );
});

test("every problem is told at once", () => {
  expect(failure("nane: a\nsuites:\n- nmae: b\n").split("\n")).toHaveLength(4);
});

test("broken syntax has its place", () => {
  expect(failure('name: "a\n')).toMatch(/^image\.yaml:\d+:\d+: /);
});
