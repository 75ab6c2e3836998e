import { CleanroomError, createLogger, type Logger } from "@cleanroom/core";
import { beforeEach, expect, test } from "vitest";
import type { TaskOutcome } from "./schedule.ts";
import { throwFailures } from "./throw-failures.ts";

let told: string;
let logger: Logger;

beforeEach(() => {
  told = "";
  logger = createLogger({ format: "human", quiet: true, write: (text) => (told += text) });
});

const failure = (message: string, exitCode: 1 | 2): TaskOutcome<unknown> => ({
  state: "failed",
  error: new CleanroomError("build-failed", message, { exitCode }),
});
const outcomes = new Map<string, TaskOutcome<unknown>>([
  ["a", { state: "done", result: undefined }],
  ["b", failure("b is broken", 2)],
  ["c", failure("c is broken", 1)],
  ["d", { state: "skipped" }],
]);

test("a run without a failure just ends", () => {
  throwFailures(new Map([...outcomes].slice(0, 1)), { logger, areTold: false });
  expect(told).toBe("");
});

test("the first failure is thrown, and the others are told before it", () => {
  expect(() => throwFailures(outcomes, { logger, areTold: false })).toThrow("b is broken");
  expect(told).toContain("c is broken");
  expect(told).not.toContain("b is broken");
  expect(told).toContain("not built because of that: d");
});

test("failures that are told already are counted", () => {
  expect(() => throwFailures(outcomes, { logger, areTold: true })).toThrow(
    expect.objectContaining({
      code: "builds-failed",
      message: "2 of 4 builds failed: b, c",
      exitCode: 2,
    }) as Error,
  );
  expect(told).toBe(told.replaceAll("broken", ""));
});

test("a bug is no failure of a build", () => {
  const bug = new TypeError("no function");
  const all = new Map([...outcomes, ["e", { state: "failed", error: bug } as const]]);
  expect(() => throwFailures(all, { logger, areTold: true })).toThrow(bug);
});
