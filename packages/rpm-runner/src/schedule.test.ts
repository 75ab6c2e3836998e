import fc from "fast-check";
import { expect, test } from "vitest";
import { longestChains, runSchedule, type ScheduledTask } from "./schedule.ts";

const task = (id: string, ...needs: string[]): ScheduledTask => ({ id, needs });

const options = { limit: 2, keepGoing: false, priorityOf: () => 1 };

const states = (outcomes: ReadonlyMap<string, { state: string }>): Record<string, string> =>
  Object.fromEntries([...outcomes].map(([id, { state }]) => [id, state]));

test("each task runs after what it needs, at most so many at once", async () => {
  const tasks = fc
    .integer({ min: 1, max: 25 })
    .chain((count) =>
      fc.tuple(
        ...Array.from({ length: count }, (_, index) =>
          fc.uniqueArray(fc.integer({ min: 0, max: Math.max(0, index - 1) }), {
            maxLength: index,
          }),
        ),
      ),
    )
    .map((needs) =>
      needs.map((some, index) =>
        task(`t${index}`, ...(index === 0 ? [] : some.map((n) => `t${n}`))),
      ),
    );
  await fc.assert(
    fc.asyncProperty(tasks, fc.integer({ min: 1, max: 4 }), async (all, limit) => {
      const done = new Set<string>();
      let running = 0;
      const outcomes = await runSchedule(all, { ...options, limit }, async ({ id, needs }) => {
        running += 1;
        expect(running).toBeLessThanOrEqual(limit);
        expect(needs.filter((need) => !done.has(need))).toEqual([]);
        await new Promise((resolve) => setImmediate(resolve));
        done.add(id);
        running -= 1;
      });
      expect(outcomes.size).toBe(all.length);
      expect(done.size).toBe(all.length);
    }),
    { numRuns: 50, seed: 1 },
  );
});

test("of what is ready, that goes first which most work waits for", async () => {
  const order: string[] = [];
  const tasks = [task("small"), task("root"), task("long", "root"), task("end", "long")];
  const chains = longestChains(tasks, () => 1);
  expect(Object.fromEntries(chains)).toEqual({ small: 1, root: 3, long: 2, end: 1 });
  const priorityOf = ({ id }: ScheduledTask): number => chains.get(id) ?? 0;
  await runSchedule(tasks, { ...options, limit: 1, priorityOf }, async ({ id }) => {
    order.push(id);
    return Promise.resolve();
  });
  expect(order).toEqual(["root", "long", "small", "end"]);
});

test("a chain of many thousands is no trouble", async () => {
  const tasks = Array.from({ length: 20_000 }, (_, index) =>
    task(`t${index}`, ...(index === 0 ? [] : [`t${index - 1}`])),
  );
  const chains = longestChains(tasks, () => 1);
  expect(chains.get("t0")).toBe(20_000);
});

const failing = async ({ id }: ScheduledTask): Promise<string> =>
  id === "bad" ? Promise.reject(new Error("no")) : Promise.resolve(id);

test("after a failure nothing further begins", async () => {
  const tasks = [task("bad"), task("needs-bad", "bad"), task("other")];
  const outcomes = await runSchedule(tasks, { ...options, limit: 1 }, failing);
  expect(states(outcomes)).toEqual({ bad: "failed", "needs-bad": "skipped", other: "skipped" });
});

test("keeping going, only what needs the failed one is skipped", async () => {
  const tasks = [task("bad"), task("needs-bad", "bad"), task("later", "needs-bad"), task("other")];
  const outcomes = await runSchedule(tasks, { ...options, keepGoing: true }, failing);
  expect(states(outcomes)).toEqual({
    bad: "failed",
    "needs-bad": "skipped",
    later: "skipped",
    other: "done",
  });
});
