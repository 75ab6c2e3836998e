import { CleanroomError, type Sha256 } from "@cleanroom/core";
import {
  type BuildId,
  formatBuildId,
  needsOfBuild,
  packageOfBuild,
  type Stack,
} from "@cleanroom/spec-strip";
import { readHistory } from "./history.ts";
import type { PlannedBuild } from "./progress.ts";
import type { RunnerContext } from "./runner-context.ts";

/** What a build that has never run is taken to cost: neither first nor last. */
export const unknownBuildMs = 20_000;

/** What a build that has never run is taken to need: so many fit beside each other as a rule. */
const unknownMemoryBytes = 1024 ** 3;

/** One build of a run, with what is known of it from its last. */
export interface RunTask extends PlannedBuild {
  readonly build: BuildId;
  readonly memoryBytes: number;
  /** The action key of its last build. */
  readonly lastKey: Sha256 | undefined;
}

/**
 * What a run would look at, in which order, and what is known of each build: a plan is data alone.
 * Whether a build has to run is known only when what it needs is there.
 */
export function planPackages(
  context: Pick<RunnerContext, "store" | "stack">,
  names: readonly string[],
): readonly PlannedBuild[] {
  const wanted = names.map((name): BuildId => ({ name, stage: undefined }));
  const tasks = planRun(context, withNeeds(context.stack, wanted));
  return tasks.map(({ id, needs, expectedMs }) => ({ id, needs, expectedMs }));
}

/** The builds of a run, each with what is known of it. */
export function planRun(
  { store, stack }: Pick<RunnerContext, "store" | "stack">,
  builds: readonly BuildId[],
): readonly RunTask[] {
  const history = readHistory(store, builds);
  return builds.map((build) => {
    const id = formatBuildId(build);
    const last = history.get(id);
    const { buildSeconds } = packageOfBuild(stack, build);
    return {
      ...{ build, id },
      needs: needsOfBuild(stack, build).map(formatBuildId),
      expectedMs: last?.buildMs ?? (buildSeconds === undefined ? undefined : buildSeconds * 1000),
      memoryBytes:
        last === undefined || last.peakMemoryBytes === 0
          ? unknownMemoryBytes
          : last.peakMemoryBytes,
      lastKey: last?.key,
    };
  });
}

/** Some builds with all that they need, directly or not, each after what it needs. */
export function withNeeds(stack: Stack, builds: readonly BuildId[]): BuildId[] {
  const found = new Set<string>();
  const visit = (build: BuildId): void => {
    if (found.has(formatBuildId(build))) return;
    found.add(formatBuildId(build));
    for (const next of needsOfBuild(stack, build)) visit(next);
  };
  for (const build of builds) visit(build);
  return stack.builds.order.filter((build) => found.has(formatBuildId(build)));
}

/** @throws {CleanroomError} `stage-unknown` */
export function checkIsPlanned(stack: Stack, build: BuildId): void {
  if (stack.builds.needs.has(formatBuildId(build))) return;
  throw new CleanroomError(
    "stage-unknown",
    `there is no build ${formatBuildId(build)}: no cycle of packages needs it`,
    { exitCode: 2, hint: `./cleanroom rpm build ${build.name}` },
  );
}
