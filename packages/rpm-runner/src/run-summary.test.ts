import { expect, test } from "vitest";
import type { BuildResult } from "./build-result.ts";
import { describeRun, summarizeRun } from "./run-summary.ts";

const result = (name: string, how: BuildResult["how"], buildMs: number): [string, BuildResult] => [
  name,
  {
    name,
    stage: undefined,
    key: "0".repeat(64),
    spec: "0".repeat(64),
    rpms: [],
    isByInterface: false,
    provenance: "0".repeat(64),
    how,
    buildMs,
    peakMemoryBytes: 0,
  },
];

test("what a run came to, and the time it saved", () => {
  const summary = summarizeRun(
    new Map([
      result("a", "built", 4000),
      result("b", "cut-off", 60_000),
      result("c", "cached", 5000),
    ]),
    new Map([["d", "failed"]]),
    4200,
  );
  expect(summary.savedMs).toBe(65_000);
  expect(summary.builds.map(({ id, how }) => `${id} ${how}`)).toEqual([
    "a built",
    "b cut-off",
    "c cached",
    "d failed",
  ]);
  expect(describeRun(summary)).toBe(
    "1 built, 1 cut off, 1 cached, 1 failed in 4.2 s, 1 min 5 s of building saved",
  );
});
