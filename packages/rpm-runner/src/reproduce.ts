import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type Store } from "@cleanroom/core";
import { makeRoot } from "@cleanroom/rootfs";
import { formatBuildId, packageOfBuild } from "@cleanroom/spec-strip";
import { buildAll } from "./build.ts";
import { withNeeds } from "./build-plan.ts";
import type { BuildResult } from "./build-result.ts";
import { compareOutputs, missingOutput, type OutputDifference } from "./compare-outputs.ts";
import { writeDiffoscopeReport } from "./diffoscope.ts";
import { prepareBuild } from "./prepare-build.ts";
import { rpmbuild } from "./rpmbuild.ts";
import type { RunnerContext } from "./runner-context.ts";
import { runSchedule } from "./schedule.ts";
import { otherSurroundings } from "./surroundings.ts";
import { throwFailures } from "./throw-failures.ts";

/** What building a package a second time, in other surroundings, came to. */
export interface ReproductionResult {
  readonly id: string;
  /** Whether every RPM has the same bytes. */
  readonly isReproducible: boolean;
  readonly differences: readonly OutputDifference[];
  /** What diffoscope says of them: a file, where they differ and this machine has it. */
  readonly report: string | undefined;
}

/**
 * Builds packages again, in other surroundings, and compares what comes out with what the store
 * has of them. Their first builds, and what they need, run when they are not there yet.
 */
export async function checkReproducible(
  context: RunnerContext,
  names: readonly string[],
): Promise<readonly ReproductionResult[]> {
  const builds = names.map((name) => ({ name, stage: undefined }));
  const results = await buildAll(context, withNeeds(context.stack, builds));
  const tasks = builds.map((build) => ({ id: formatBuildId(build), needs: [] }));
  // Each runs one compiler job, so that as many of them as there may be builds do not get in each
  // other's way; none needs what another makes.
  const outcomes = await runSchedule(
    tasks,
    { limit: context.limits.builds, keepGoing: context.limits.keepGoing, priorityOf: () => 0 },
    async ({ id }) => {
      const first = results.get(id);
      if (first === undefined) throw new Error(`${id} was not built`);
      return buildAgain(context, first, results);
    },
  );
  throwFailures(outcomes, { logger: context.logger, areTold: false });
  return tasks.flatMap(({ id }) => {
    const outcome = outcomes.get(id);
    return outcome?.state === "done" ? [outcome.result] : [];
  });
}

async function buildAgain(
  context: RunnerContext,
  first: BuildResult,
  results: ReadonlyMap<string, BuildResult>,
): Promise<ReproductionResult> {
  const { store, tools, stack, macros } = context;
  const id = formatBuildId(first);
  const current = packageOfBuild(stack, first);
  const { sources, closure, repositories } = await prepareBuild(context, current, results);
  const entry = { ...current, spec: await builtSpec(store, first) };
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  return store.withTemporaryFolder(`again-${first.name}`, async (temporary) => {
    const surroundings = await otherSurroundings(root, path.join(temporary, "surroundings"));
    const varied = surroundings.differences.join(", ");
    context.logger.info(`${id}: building again with another ${varied}`, { package: id });
    const folder = path.join(temporary, "build");
    await mkdir(folder);
    const logFile = store.path("logs", `${id}.again.log`);
    await mkdir(path.dirname(logFile), { recursive: true });
    const request = { entry, sources, macros, root, folder, logFile, surroundings };
    const { files } = await rpmbuild(store, request);
    const rpmFolder = path.join(folder, "RPMS");
    const differences = await compareOutputs(store, first.rpms, rpmFolder, files);
    const isReproducible = differences.length === 0;
    const verdict = isReproducible ? "the same again" : "differs";
    context.logger.info(`${id}: ${verdict}`, { package: id });
    const file = store.path("logs", `${id}.diffoscope.txt`);
    const hasReport =
      !isReproducible && (await writeDiffoscopeReport(store, first.rpms, rpmFolder, file));
    return { id, isReproducible, differences, report: hasReport ? file : undefined };
  });
}

/** The spec that a build was made of. */
export async function builtSpec(store: Store, { spec, name }: BuildResult): Promise<string> {
  const file = await store.blob(spec);
  if (file === undefined) throw missingOutput(`${name}.spec`);
  return readFile(file, "utf8");
}
