import { expect, test } from "vitest";
import { BuildBudget } from "./budget.ts";
import { NotBegun } from "./schedule.ts";

/** Begins work of these costs at once, and ends it by hand. */
function trial(limits: { builds: number; memoryBytes: number }): {
  begin: (name: string, memoryBytes: number, priority: number) => void;
  end: (name: string) => Promise<void>;
  running: Set<string>;
} {
  const budget = new BuildBudget(limits);
  const running = new Set<string>();
  const ends = new Map<string, () => void>();
  return {
    running,
    begin: (name, memoryBytes, priority) => {
      void budget.with({ memoryBytes }, priority, async () => {
        running.add(name);
        await new Promise<void>((resolve) => ends.set(name, resolve));
        running.delete(name);
      });
    },
    end: async (name) => {
      ends.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("at most so many at once, the most urgent of those who wait first", async () => {
  const { begin, end, running } = trial({ builds: 1, memoryBytes: 100 });
  begin("first", 1, 0);
  begin("later", 1, 1);
  begin("urgent", 1, 2);
  await end("");
  expect([...running]).toEqual(["first"]);
  await end("first");
  expect([...running]).toEqual(["urgent"]);
});

test("what does not fit in the memory that is left waits, and a smaller one goes before it", async () => {
  const { begin, end, running } = trial({ builds: 3, memoryBytes: 10 });
  begin("half", 6, 0);
  begin("big", 6, 9);
  begin("small", 3, 1);
  await end("");
  expect([...running]).toEqual(["half", "small"]);
  await end("half");
  expect([...running].toSorted()).toEqual(["big", "small"]);
});

test("what would never fit runs alone", async () => {
  const { begin, end, running } = trial({ builds: 2, memoryBytes: 10 });
  begin("huge", 99, 1);
  begin("small", 1, 0);
  await end("");
  expect([...running]).toEqual(["huge"]);
  await end("huge");
  expect([...running]).toEqual(["small"]);
});

test("a failure gives its room back", async () => {
  const budget = new BuildBudget({ builds: 1, memoryBytes: 1 });
  const failing = budget.with({ memoryBytes: 1 }, 0, () => Promise.reject(new Error("no")));
  await expect(failing).rejects.toThrow("no");
  expect(await budget.with({ memoryBytes: 1 }, 0, () => Promise.resolve("yes"))).toBe("yes");
});

test("once it is closed, who waits gives up, and who runs goes on", async () => {
  const budget = new BuildBudget({ builds: 1, memoryBytes: 1 });
  let end: () => void = () => undefined;
  const first = budget.with({ memoryBytes: 1 }, 0, () => new Promise<void>((done) => (end = done)));
  await new Promise((resolve) => setImmediate(resolve));
  const waiting = budget.with({ memoryBytes: 1 }, 0, () => Promise.resolve());
  budget.close();
  await expect(waiting).rejects.toThrow(NotBegun);
  end();
  await first;
});
