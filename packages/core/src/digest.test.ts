import fc from "fast-check";
import { expect, test } from "vitest";
import { actionResultText, parseActionResult } from "./action-result.ts";
import { canonicalJson, type Json, sha256Json } from "./digest.ts";

test("canonical JSON is one text for one value, whatever the order of its keys", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
  expect(canonicalJson({ b: [1, undefined], a: undefined, c: { z: 1, B: "" } })).toBe(
    '{"b":[1,null],"c":{"B":"","z":1}}',
  );
});

function reversed(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((one: Json) => reversed(one));
  const entries = Object.entries(value).toReversed();
  return Object.fromEntries(entries.map(([name, inner]) => [name, reversed(inner)]));
}

test("a record of an action is believed when it is whole, in whatever order it was written", () => {
  const result = {
    outputs: [{ size: 1, name: "a", sha256: "0".repeat(64) }],
    facts: { b: 1, a: 2 },
  };
  const text = actionResultText(result);
  expect(parseActionResult(text)).toEqual(result);
  const other = JSON.stringify({ sha256: sha256Json(result), result });
  expect(other).not.toBe(text);
  expect(parseActionResult(other)).toEqual(result);
  for (let at = 0; at < text.length; at += 1) {
    const damaged = `${text.slice(0, at)}#${text.slice(at + 1)}`;
    expect(parseActionResult(damaged)).toBeUndefined();
    expect(parseActionResult(text.slice(0, at))).toBeUndefined();
  }
});
