import { longestChains, type ScheduledTask } from "./schedule.ts";

/** Where a build stands. */
export type BuildState =
  /** Something that it needs is not there yet. */
  | "waiting"
  /** Its build root is resolved, or it waits for its turn. */
  | "preparing"
  | "running"
  | "built"
  /** The store had what it makes. */
  | "cached"
  /** The store had it, although something that it needs was built anew. */
  | "cut-off"
  | "failed"
  | "skipped";

/** A build as it is planned. */
export interface PlannedBuild extends ScheduledTask {
  /** What it is taken to cost: from its last run, else from its package.yaml; undefined unknown. */
  readonly expectedMs: number | undefined;
}

/** Where a run stands. */
export interface ProgressSnapshot {
  readonly counts: Readonly<Record<BuildState, number>>;
  readonly total: number;
  /** In the order in which they began. */
  readonly running: readonly {
    readonly id: string;
    readonly elapsedMs: number;
    readonly expectedMs: number | undefined;
  }[];
  /**
   * Until the end, if all that is still open has to be built; undefined while times of too many
   * are unknown.
   */
  readonly remainingMs: number | undefined;
}

/**
 * How long builds have to take until they tell how fast this machine is: a short one is mostly
 * preparation, and would make hours of minutes.
 */
const paceMs = 60_000;

/** Where the builds of a run stand, for whoever wants to show it. Times are those of `now`. */
export class BuildProgress {
  readonly #now: () => number;
  readonly #listeners = new Set<(id: string, state: BuildState) => void>();
  #builds: ReadonlyMap<string, PlannedBuild> = new Map();
  readonly #states = new Map<string, BuildState>();
  readonly #beganMs = new Map<string, number>();
  #places = 1;
  /** What builds of this run took, and what they were expected to take. */
  #tookMs = 0;
  #expectedMs = 0;
  #built = { count: 0, ms: 0 };

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @param places builds that run at once */
  begin(builds: readonly PlannedBuild[], places: number): void {
    this.#builds = new Map(builds.map((build) => [build.id, build]));
    this.#places = places;
    this.#states.clear();
    for (const { id } of builds) this.#states.set(id, "waiting");
  }

  set(id: string, state: BuildState): void {
    if (state === "running") this.#beganMs.set(id, this.#now());
    if (state === "built") this.#learn(id);
    this.#states.set(id, state);
    for (const listener of this.#listeners) listener(id, state);
  }

  #learn(id: string): void {
    const now = this.#now();
    const tookMs = now - (this.#beganMs.get(id) ?? now);
    this.#built = { count: this.#built.count + 1, ms: this.#built.ms + tookMs };
    const expectedMs = this.#builds.get(id)?.expectedMs;
    if (expectedMs === undefined) return;
    this.#tookMs += tookMs;
    this.#expectedMs += expectedMs;
  }

  onChange(listener: (id: string, state: BuildState) => void): void {
    this.#listeners.add(listener);
  }

  snapshot(): ProgressSnapshot {
    const counts = {
      ...{ waiting: 0, preparing: 0, running: 0, built: 0, cached: 0 },
      ...{ "cut-off": 0, failed: 0, skipped: 0 },
    };
    for (const state of this.#states.values()) counts[state] += 1;
    const running = [...this.#states].flatMap(([id, state]) =>
      state === "running"
        ? [
            {
              id,
              elapsedMs: this.#now() - (this.#beganMs.get(id) ?? 0),
              expectedMs: this.#builds.get(id)?.expectedMs,
            },
          ]
        : [],
    );
    const remainingMs = this.#remainingMs();
    return { counts, total: this.#states.size, running, remainingMs };
  }

  /** The longer of: the longest chain of what is open, and its sum over the places. */
  #remainingMs(): number | undefined {
    const open = [...this.#builds.values()].filter(({ id }) =>
      ["waiting", "preparing", "running"].includes(this.#states.get(id) ?? ""),
    );
    const known = open.filter(({ expectedMs }) => expectedMs !== undefined);
    const { count, ms } = this.#built;
    if (known.length * 2 < open.length && count < 2) return undefined;
    // Whose time nobody knows is taken for one of those known, and of those that were built.
    const knownMs = known.reduce((sum, { expectedMs }) => sum + (expectedMs ?? 0), ms);
    const middleMs = open.length === 0 ? 0 : knownMs / (known.length + count);
    // How fast this machine is today, beside the one that the expectations come from.
    const pace = (this.#tookMs + paceMs) / (this.#expectedMs + paceMs);
    const costOf = ({ id, expectedMs }: PlannedBuild): number => {
      const beganMs = this.#states.get(id) === "running" ? this.#beganMs.get(id) : undefined;
      const elapsedMs = beganMs === undefined ? 0 : this.#now() - beganMs;
      return Math.max(0, (expectedMs ?? middleMs) * pace - elapsedMs);
    };
    const chains = longestChains(open, costOf);
    const sumMs = open.reduce((sum, build) => sum + costOf(build), 0);
    return Math.max(0, sumMs / this.#places, ...chains.values());
  }
}
