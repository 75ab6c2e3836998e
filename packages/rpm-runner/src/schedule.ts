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

/** What work throws that was not begun because of another's failure: its task is skipped. */
export class NotBegun extends Error {}

/**
 * Runs tasks, each after what it needs, with at most `limit` under way. Of those that are ready
 * the one of the highest priority goes first.
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
    readonly priorityOf: (task: Task) => number;
  },
  work: (task: Task) => Promise<Result>,
): Promise<ReadonlyMap<string, TaskOutcome<Result>>> {
  const outcomes = new Map<string, TaskOutcome<Result>>();
  const dependents = dependentsOf(tasks);
  const missing = new Map(tasks.map((task) => [task.id, task.needs.length]));
  const ready: Task[] = [];
  let running = 0;
  let hasFailed = false;
  const skip = (task: Task): void => {
    if (outcomes.has(task.id)) return;
    outcomes.set(task.id, { state: "skipped" });
    for (const dependent of dependents.get(task.id) ?? []) skip(dependent);
  };
  const release = (task: Task): void => {
    for (const next of dependents.get(task.id) ?? []) {
      const left = (missing.get(next.id) ?? 0) - 1;
      missing.set(next.id, left);
      if (left === 0) ready.push(next);
    }
  };
  return new Promise((resolve) => {
    const settle = (task: Task, outcome: TaskOutcome<Result>): void => {
      running -= 1;
      outcomes.set(task.id, outcome);
      if (outcome.state === "failed") hasFailed = true;
      if (outcome.state === "done") release(task);
      else for (const dependent of dependents.get(task.id) ?? []) skip(dependent);
      advance();
    };
    const begin = (task: Task): void => {
      running += 1;
      void outcomeOf(work(task)).then((outcome) => settle(task, outcome));
    };
    const nextReady = (): Task | undefined => {
      if (running >= options.limit || (hasFailed && !options.keepGoing)) return undefined;
      return ready.shift();
    };
    const advance = (): void => {
      ready.sort((a, b) => options.priorityOf(b) - options.priorityOf(a));
      for (let task = nextReady(); task !== undefined; task = nextReady()) begin(task);
      if (running > 0) return;
      for (const task of tasks) skip(task);
      resolve(outcomes);
    };
    ready.push(...tasks.filter(({ needs }) => needs.length === 0));
    advance();
  });
}

async function outcomeOf<Result>(work: Promise<Result>): Promise<TaskOutcome<Result>> {
  try {
    return { state: "done", result: await work };
  } catch (error) {
    return error instanceof NotBegun ? { state: "skipped" } : { state: "failed", error };
  }
}

/**
 * For each task its own cost and that of the costliest chain of tasks that wait for it: what goes
 * first so that the whole is done soonest.
 */
export function longestChains<Task extends ScheduledTask>(
  tasks: readonly Task[],
  costOf: (task: Task) => number,
): ReadonlyMap<string, number> {
  const dependents = dependentsOf(tasks);
  const chains = new Map<string, number>();
  const chainOf = (task: Task): number => {
    const known = chains.get(task.id);
    if (known !== undefined) return known;
    let longest = 0;
    for (const next of dependents.get(task.id) ?? []) longest = Math.max(longest, chainOf(next));
    const chain = costOf(task) + longest;
    chains.set(task.id, chain);
    return chain;
  };
  // From the last on: what waits for a task mostly stands behind it, which keeps this flat.
  for (const task of tasks.toReversed()) chainOf(task);
  return chains;
}

function dependentsOf<Task extends ScheduledTask>(
  tasks: readonly Task[],
): ReadonlyMap<string, readonly Task[]> {
  const dependents = new Map<string, Task[]>();
  for (const task of tasks) {
    for (const need of task.needs) {
      const known = dependents.get(need);
      if (known === undefined) dependents.set(need, [task]);
      else known.push(task);
    }
  }
  return dependents;
}
