/** One thing to do, after the others that it needs. */
export interface ScheduledTask {
  readonly id: string;
  /** Ids of other tasks of the same schedule. */
  readonly needs: readonly string[];
}

/** How a task ended: `skipped` are those whose needs failed, and those not begun after a failure. */
export type TaskOutcome<Result> =
  | { readonly state: "done"; readonly result: Result }
  | { readonly state: "failed"; readonly error: unknown }
  | { readonly state: "skipped" };

/**
 * Runs tasks, each after what it needs, with at most `limit` under way. Of those that are ready
 * the one goes first that most work waits for: the longest way through `costOf` to the end.
 *
 * After a failure no further task is begun, unless `keepGoing`: then only those that need the
 * failed one are skipped. Tasks under way are always awaited.
 *
 * @returns outcomes by id, for every task
 */
export async function runSchedule<Task extends ScheduledTask, Result>(
  tasks: readonly Task[],
  options: {
    readonly limit: number;
    readonly keepGoing: boolean;
    readonly costOf: (task: Task) => number;
  },
  work: (task: Task) => Promise<Result>,
): Promise<ReadonlyMap<string, TaskOutcome<Result>>> {
  const outcomes = new Map<string, TaskOutcome<Result>>();
  const waiting = new Set(tasks);
  const priority = waysToTheEnd(tasks, options.costOf);
  let running = 0;
  let failed = false;
  return new Promise((resolve) => {
    const settle = (id: string, outcome: TaskOutcome<Result>): void => {
      outcomes.set(id, outcome);
      if (outcome.state === "failed") failed = true;
    };
    const advance = (): void => {
      for (const task of waiting) {
        const isHopeless =
          (failed && !options.keepGoing) ||
          task.needs.some((need) => {
            const state = outcomes.get(need)?.state;
            return state === "failed" || state === "skipped";
          });
        if (!isHopeless) continue;
        waiting.delete(task);
        settle(task.id, { state: "skipped" });
        // What waits for it may stand before it in the set.
        advance();
        return;
      }
      const ready = [...waiting]
        .filter((task) => task.needs.every((need) => outcomes.get(need)?.state === "done"))
        .toSorted((a, b) => (priority.get(b.id) ?? 0) - (priority.get(a.id) ?? 0));
      for (const task of ready.slice(0, options.limit - running)) {
        waiting.delete(task);
        running += 1;
        void outcomeOf(work(task)).then((outcome) => {
          settle(task.id, outcome);
          running -= 1;
          return advance();
        });
      }
      if (running === 0) resolve(outcomes);
    };
    advance();
  });
}

async function outcomeOf<Result>(work: Promise<Result>): Promise<TaskOutcome<Result>> {
  try {
    return { state: "done", result: await work };
  } catch (error) {
    return { state: "failed", error };
  }
}

/** For each task its own cost and that of the costliest chain of tasks that wait for it. */
function waysToTheEnd<Task extends ScheduledTask>(
  tasks: readonly Task[],
  costOf: (task: Task) => number,
): ReadonlyMap<string, number> {
  const dependents = new Map<string, Task[]>();
  for (const task of tasks) {
    for (const need of task.needs) {
      const known = dependents.get(need);
      if (known === undefined) dependents.set(need, [task]);
      else known.push(task);
    }
  }
  const ways = new Map<string, number>();
  const wayOf = (task: Task): number => {
    const known = ways.get(task.id);
    if (known !== undefined) return known;
    const way = costOf(task) + Math.max(0, ...(dependents.get(task.id) ?? []).map(wayOf));
    ways.set(task.id, way);
    return way;
  };
  for (const task of tasks) wayOf(task);
  return ways;
}
