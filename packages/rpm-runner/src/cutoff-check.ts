import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError } from "@cleanroom/core";
import { makeRoot } from "@cleanroom/rootfs";
import { type BuildId, formatBuildId, packageOfBuild } from "@cleanroom/spec-strip";
import { buildAll } from "./build.ts";
import { withNeeds } from "./build-plan.ts";
import type { BuildResult } from "./build-result.ts";
import { compareOutputs, missingOutput, type OutputDifference } from "./compare-outputs.ts";
import { prepareBuild } from "./prepare-build.ts";
import { rpmbuild } from "./rpmbuild.ts";
import type { RunnerContext } from "./runner-context.ts";

/** What a build that was cut off by interfaces comes to with the packages of now. */
export interface CutoffCheck {
  readonly id: string;
  /** What a build of now makes otherwise; undefined where only the tests ran. */
  readonly differences: readonly OutputDifference[] | undefined;
  /** Undefined where the spec has no `%check`, or where that was not asked for. */
  readonly tests: "passed" | "failed" | undefined;
  /** Why it failed; empty otherwise. */
  readonly failure: string;
}

/**
 * Builds once more what was cut off by interfaces, of the named packages and all that they need:
 * `audit` compares what comes out with what the store has; `tests` builds and installs it for the
 * sake of its `%check`, which then runs against the libraries of now. An audit that finds no
 * difference files the result under the build's own key: from then on it is cut off no longer.
 */
export async function checkCutoffs(
  context: RunnerContext,
  names: readonly string[],
  purpose: "audit" | "tests",
): Promise<readonly CutoffCheck[]> {
  const builds = withNeeds(
    context.stack,
    names.map((name): BuildId => ({ name, stage: undefined })),
  );
  const results = await buildAll(context, builds);
  const checks: CutoffCheck[] = [];
  for (const result of results.values()) {
    if (!result.isByInterface) continue;
    const id = formatBuildId(result);
    context.logger.info(`${id}: building with the packages of now`, { package: id });
    checks.push(await buildNow(context, result, results, purpose));
  }
  return checks;
}

async function buildNow(
  context: RunnerContext,
  first: BuildResult,
  results: ReadonlyMap<string, BuildResult>,
  purpose: "audit" | "tests",
): Promise<CutoffCheck> {
  const { store, tools, stack, macros } = context;
  const id = formatBuildId(first);
  const current = packageOfBuild(stack, first);
  const { sources, closure, repositories, key } = await prepareBuild(context, current, results);
  const spec = await store.blob(first.spec);
  if (spec === undefined) throw missingOutput(`${first.name}.spec`);
  const entry = { ...current, spec: await readFile(spec, "utf8") };
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  const { hasTests } = current.model;
  return store.withTemporaryFolder(`now-${first.name}`, async (folder) => {
    const logFile = store.path("logs", `${id}.now.log`);
    await mkdir(path.dirname(logFile), { recursive: true });
    const task = purpose === "tests" ? ("check" as const) : undefined;
    const request = { entry, sources, macros, root, folder, logFile, task };
    try {
      const { files } = await rpmbuild(store, request);
      const tests = hasTests ? "passed" : undefined;
      if (purpose === "tests") return { id, differences: undefined, tests, failure: "" };
      const rpmFolder = path.join(folder, "RPMS");
      const differences = await compareOutputs(store, first.rpms, rpmFolder, files);
      const action = await store.action(first.key);
      if (differences.length === 0 && action !== undefined) await store.putAction(key, action);
      return { id, differences, tests, failure: "" };
    } catch (error) {
      if (!(error instanceof CleanroomError) || error.code !== "build-failed") throw error;
      const failure = `${error.message}\nlog: ${logFile}`;
      return { id, differences: undefined, tests: hasTests ? "failed" : undefined, failure };
    }
  });
}
