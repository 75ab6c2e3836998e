import { CleanroomError } from "@cleanroom/core";
import { formatBuildId, needsOfBuild, packageOfBuild } from "@cleanroom/spec-strip";
import { withNeeds } from "./build-plan.ts";
import type { BuildResult } from "./build-result.ts";
import { buildInputs, describeChange, type InputChange, inputChanges } from "./build-inputs.ts";
import { readHistory } from "./history.ts";
import { findResult } from "./known-result.ts";
import { prepareBuild } from "./prepare-build.ts";
import type { RunnerContext } from "./runner-context.ts";

/** Whether a build would run, and why. */
export interface BuildExplanation {
  /** `name` or `name@stage`. */
  readonly id: string;
  /**
   * `up-to-date`: the store has what it would make. `cut-off`: it has what was made with packages
   * of the same interface. `would-run`: it has neither. `depends`: what it needs would run first,
   * and whether it then runs depends on what that makes.
   */
  readonly state: "up-to-date" | "cut-off" | "would-run" | "depends";
  /** In words; none for what is up to date. */
  readonly reasons: readonly string[];
  /** What differs from the last run, where there was one. */
  readonly changes: readonly InputChange[];
}

/**
 * Says of builds, with all that they need, whether they would run and why. Builds nothing and
 * fetches nothing.
 */
export async function explainBuilds(
  context: RunnerContext,
  names: readonly string[],
): Promise<readonly BuildExplanation[]> {
  const { store, stack } = context;
  const builds = withNeeds(
    stack,
    names.map((name) => ({ name, stage: undefined })),
  );
  const history = readHistory(store, builds);
  const results = new Map<string, BuildResult>();
  const explanations: BuildExplanation[] = [];
  for (const build of builds) {
    const id = formatBuildId(build);
    const unsettled = needsOfBuild(stack, build)
      .map(formatBuildId)
      .filter((need) => !results.has(need));
    if (unsettled.length > 0) {
      const reasons = [`it needs ${unsettled.join(", ")}, which would run first`];
      explanations.push({ id, state: "depends", reasons, changes: [] });
      continue;
    }
    try {
      const entry = packageOfBuild(stack, build);
      const prepared = await prepareBuild(context, entry, results, { fetch: false });
      const known = await findResult(context, build, prepared);
      const last = history.get(id);
      const changes =
        last === undefined ? [] : inputChanges(last.inputs, buildInputs(prepared.action));
      if (known !== undefined) {
        results.set(id, known);
        const state = known.isByInterface ? "cut-off" : "up-to-date";
        const reasons = known.isByInterface
          ? ["what it was built with offers the same interface now", ...changes.map(describeChange)]
          : [];
        explanations.push({ id, state, reasons, changes: known.isByInterface ? changes : [] });
        continue;
      }
      const reasons =
        last === undefined
          ? ["it has not been built with this store"]
          : changes.length === 0
            ? ["what it made is no longer in the store"]
            : changes.map(describeChange);
      explanations.push({ id, state: "would-run", reasons, changes });
    } catch (error) {
      if (!(error instanceof CleanroomError) || error.code !== "source-absent") throw error;
      explanations.push({ id, state: "would-run", reasons: [error.message], changes: [] });
    }
  }
  return explanations;
}
