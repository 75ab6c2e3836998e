import { expect, test } from "vitest";
import { BuildProgress, type PlannedBuild } from "./progress.ts";

const build = (id: string, expectedMs: number | undefined, ...needs: string[]): PlannedBuild => ({
  id,
  needs,
  expectedMs,
});

test("states are counted, and who runs is told with its times", () => {
  let now = 1000;
  const progress = new BuildProgress(() => now);
  progress.begin([build("a", 500), build("b", 300, "a"), build("c", 100)], 2);
  progress.set("c", "cached");
  progress.set("a", "running");
  now += 200;
  expect(progress.snapshot()).toMatchObject({
    counts: { waiting: 1, running: 1, cached: 1, built: 0 },
    total: 3,
    running: [{ id: "a", elapsedMs: 200, expectedMs: 500 }],
    // What is left of a, and then b.
    remainingMs: 600,
  });
});

test("what is left is no less than its sum over the places", () => {
  const progress = new BuildProgress(() => 0);
  progress.begin([build("a", 100), build("b", 100), build("c", 100), build("d", 100)], 2);
  expect(progress.snapshot().remainingMs).toBe(200);
});

test("the pace of what was built counts for what is left", () => {
  let now = 0;
  const progress = new BuildProgress(() => now);
  progress.begin([build("a", 1_000_000), build("b", 1_000_000, "a")], 1);
  progress.set("a", "running");
  now = 3_000_000;
  progress.set("a", "built");
  expect((progress.snapshot().remainingMs ?? 0) / 1_000_000).toBeCloseTo(2.9, 1);
});

test("a short build says little of the pace", () => {
  let now = 0;
  const progress = new BuildProgress(() => now);
  progress.begin([build("a", 1000), build("b", 600_000)], 1);
  progress.set("a", "running");
  now = 15_000;
  progress.set("a", "built");
  expect(progress.snapshot().remainingMs).toBeLessThan(750_000);
});

test("what nobody knows is not guessed; a few are taken for average", () => {
  const progress = new BuildProgress(() => 0);
  progress.begin([build("a", undefined), build("b", undefined), build("c", 100)], 1);
  expect(progress.snapshot().remainingMs).toBe(undefined);
  progress.set("a", "cached");
  expect(progress.snapshot().remainingMs).toBe(200);
});

test("once two were built, they tell of others", () => {
  let now = 0;
  const progress = new BuildProgress(() => now);
  progress.begin(
    ["a", "b", "c"].map((id) => build(id, undefined)),
    1,
  );
  for (const id of ["a", "b"]) {
    progress.set(id, "running");
    now += 100;
    expect(progress.snapshot().remainingMs).toBe(undefined);
    progress.set(id, "built");
  }
  expect(progress.snapshot().remainingMs).toBe(100);
});

test("listeners are told", () => {
  const progress = new BuildProgress(() => 0);
  const told: string[] = [];
  progress.onChange((id, state) => told.push(`${id} ${state}`));
  progress.begin([build("a", 1)], 1);
  progress.set("a", "failed");
  expect(told).toEqual(["a failed"]);
});
