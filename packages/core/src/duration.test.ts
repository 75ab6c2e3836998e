import { expect, test } from "vitest";
import { describeDuration } from "./duration.ts";

test.each([
  [400, "0.4 s"],
  [9940, "9.9 s"],
  [12_400, "12 s"],
  [59_900, "1 min 0 s"],
  [185_000, "3 min 5 s"],
  [3_720_000, "1 h 2 min"],
])("%i ms is %s", (ms, text) => {
  expect(describeDuration(ms)).toBe(text);
});
