import { NotBegun } from "./schedule.ts";

/** What a build takes of the machine while it runs. */
export interface BuildCost {
  readonly memoryBytes: number;
}

interface Waiting {
  readonly cost: BuildCost;
  readonly priority: number;
  readonly begin: () => void;
  readonly giveUp: (reason: NotBegun) => void;
}

/**
 * What builds share: places, and memory. Whoever does not fit waits; of those who fit, the one of
 * the highest priority goes first, and a small one may go before a big one that does not fit yet.
 * One alone always fits, however big.
 */
export class BuildBudget {
  readonly #builds: number;
  readonly #memoryBytes: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #usedBytes = 0;
  #isClosed = false;

  constructor(limits: { readonly builds: number; readonly memoryBytes: number }) {
    this.#builds = limits.builds;
    this.#memoryBytes = limits.memoryBytes;
  }

  /** Runs `work` once there is room for it. */
  async with<Result>(
    cost: BuildCost,
    priority: number,
    work: () => Promise<Result>,
  ): Promise<Result> {
    await new Promise<void>((begin, giveUp) => {
      this.#waiting.push({ cost, priority, begin, giveUp });
      this.#waiting.sort((a, b) => b.priority - a.priority);
      this.#advance();
    });
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#usedBytes -= cost.memoryBytes;
      this.#advance();
    }
  }

  /** Who waits gives up: nothing further begins. */
  close(): void {
    this.#isClosed = true;
    this.#advance();
  }

  #advance(): void {
    if (this.#isClosed) {
      for (const { giveUp } of this.#waiting.splice(0)) giveUp(new NotBegun());
    }
    for (;;) {
      const index = this.#waiting.findIndex(({ cost }) => this.#fits(cost));
      const [next] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (next === undefined) return;
      this.#running += 1;
      this.#usedBytes += next.cost.memoryBytes;
      next.begin();
    }
  }

  #fits({ memoryBytes }: BuildCost): boolean {
    if (this.#running === 0) return true;
    return this.#running < this.#builds && this.#usedBytes + memoryBytes <= this.#memoryBytes;
  }
}
