import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type ActionResult, canonicalJson, CleanroomError, formatError } from "@cleanroom/core";
import { makeRoot } from "@cleanroom/rootfs";
import {
  type BuildId,
  formatBuildId,
  needsOfBuild,
  packageOfBuild,
  type StackPackage,
} from "@cleanroom/spec-strip";
import { checkBuildRoot } from "./build-root-proof.ts";
import { BuildBudget } from "./budget.ts";
import { buildInputs } from "./build-inputs.ts";
import { checkIsPlanned, planRun, type RunTask, unknownBuildMs, withNeeds } from "./build-plan.ts";
import {
  type BuildResult,
  type BuiltRpm,
  logName,
  openedFilesName,
  provenanceName,
} from "./build-result.ts";
import { writeHistory } from "./history.ts";
import { findResult, interfaceKeys, knownResult } from "./known-result.ts";
import { whileObserving } from "./opened-files.ts";
import { cleanOutput, writeOutput } from "./output.ts";
import { compilerCacheOf, type PreparedBuild, prepareBuild } from "./prepare-build.ts";
import { checkBuild, checkSpec } from "./proof.ts";
import { provenanceStatement } from "./provenance.ts";
import { rpmbuild } from "./rpmbuild.ts";
import type { RunnerContext } from "./runner-context.ts";
import { summarizeRun, writeRunSummary } from "./run-summary.ts";
import { longestChains, NotBegun, runSchedule } from "./schedule.ts";
import { throwFailures } from "./throw-failures.ts";

/**
 * Builds packages and all that they need, in order, each only when its action key is new to the
 * store, and puts the RPMs, the log and `record.json` of each into the output folder.
 *
 * @param stage builds the named packages only as far as this stage
 * @returns of the last builds, and of a stage only where it was asked for: what a stage makes is
 *   for build roots alone, and nobody publishes it
 * @throws {CleanroomError} of the first package that fails; `stage-unknown`
 */
export async function buildPackages(
  context: RunnerContext,
  names: readonly string[],
  stage?: BuildId["stage"],
): Promise<readonly BuildResult[]> {
  const { stack } = context;
  const wanted = names.map((name): BuildId => ({ name, stage }));
  for (const build of wanted) checkIsPlanned(stack, build);
  const results = await buildAll(context, withNeeds(stack, wanted));
  return [...results.values()].filter(
    (result) =>
      result.stage === undefined || (stage === result.stage && names.includes(result.name)),
  );
}

/** @returns results by the id of the build */
export async function buildAll(
  context: RunnerContext,
  builds: readonly BuildId[],
): Promise<ReadonlyMap<string, BuildResult>> {
  const { store, limits, progress, logger } = context;
  const startedMs = performance.now();
  const results = new Map<string, BuildResult>();
  const tasks = planRun(context, builds);
  const chains = longestChains(tasks, ({ expectedMs }) => expectedMs ?? unknownBuildMs);
  const priorityOf = ({ id }: { readonly id: string }): number => chains.get(id) ?? 0;
  const budget = new BuildBudget(limits);
  progress.begin(tasks, limits.builds);
  await cleanOutput(context.outputFolder);
  const outcomes = await runSchedule(
    tasks,
    { limit: preparationsMax, keepGoing: limits.keepGoing, priorityOf },
    async (task) => {
      const { build, id, memoryBytes } = task;
      progress.set(id, "preparing");
      try {
        const inTurn: InTurn = (work) =>
          budget.with({ memoryBytes }, priorityOf(task), () => {
            progress.set(id, "running");
            return work();
          });
        const result = await buildPackage(context, task, results, inTurn);
        results.set(id, result);
        const { stage } = build;
        const folder =
          stage === undefined ? context.outputFolder : path.join(context.stageFolder, stage);
        await writeOutput(store, folder, result);
        progress.set(id, result.how);
      } catch (error) {
        if (!limits.keepGoing) budget.close();
        if (!(error instanceof NotBegun)) {
          progress.set(id, "failed");
          // The others may take hours; who looks into it meanwhile need not wait for them.
          if (limits.keepGoing && error instanceof CleanroomError) logger.error(formatError(error));
        }
        throw error;
      }
    },
  );
  const others = new Map<string, "failed" | "skipped">();
  for (const [id, { state }] of outcomes) {
    if (state === "done") continue;
    others.set(id, state);
    if (state === "skipped") progress.set(id, state);
  }
  const summary = summarizeRun(results, others, performance.now() - startedMs);
  await writeRunSummary(context.outputFolder, summary);
  throwFailures(outcomes, { logger, areTold: limits.keepGoing });
  return results;
}

/** Runs work when the machine has room for one build more. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Builds whose inputs are looked at at once: most are cached, and this is all there is to them. */
const preparationsMax = 8;

async function buildPackage(
  context: RunnerContext,
  { build, lastKey }: RunTask,
  results: ReadonlyMap<string, BuildResult>,
  inTurn: InTurn,
): Promise<BuildResult> {
  const { store, logger, stack } = context;
  const entry = packageOfBuild(stack, build);
  checkSpec(entry);
  const prepared = await prepareBuild(context, entry, results);
  const known = await findResult(context, entry, prepared);
  const isAfterBuild = needsOfBuild(stack, entry).some(
    (need) => results.get(formatBuildId(need))?.how === "built",
  );
  const result =
    (known !== undefined && isAfterBuild ? { ...known, how: "cut-off" as const } : known) ??
    (await store.withLock(`build-${prepared.key}`, async () => {
      const madeMeanwhile = await knownResult(store, entry, prepared.key);
      return madeMeanwhile ?? inTurn(() => runBuild(context, entry, prepared));
    }));
  await checkBuild(store, entry, result, logger);
  // What it was built with is worth remembering: the packages of now are others.
  if (!result.isByInterface && result.key !== lastKey) {
    const inputs = buildInputs(prepared.action);
    await writeHistory(store, { ...result, id: formatBuildId(entry), inputs });
  }
  return result;
}

async function runBuild(
  context: RunnerContext,
  entry: StackPackage,
  { sources, closure, repositories, action, key }: PreparedBuild,
): Promise<BuildResult> {
  const { store, tools, logger, macros } = context;
  const { name, stage } = entry;
  const label = formatBuildId(entry);
  const facts = { package: label };
  logger.info(`${label}: preparing the build root (${closure.packages.length} packages)`, facts);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  await checkBuildRoot(store, entry, closure, logger);
  return store.withTemporaryFolder(`build-${name}`, async (folder) => {
    const logFile = store.path("logs", `${label}.log`);
    await mkdir(path.dirname(logFile), { recursive: true });
    logger.info(`${label}: building ${entry.model.version}-${entry.model.release}`, facts);
    const { jobs: allJobs, builds } = context.limits;
    const jobs = allJobs === undefined ? undefined : Math.max(1, Math.floor(allJobs / builds));
    const { atFailure } = context;
    const { result, opened } = await whileObserving(tools, root, logger, async (isWatched) => {
      // While it builds: all that counts for them is known before.
      const keysByInterface = isWatched.then(() => interfaceKeys(context, action));
      keysByInterface.catch(() => undefined);
      const compilerCache = await compilerCacheOf(context, name, closure);
      const request = { entry, sources, macros, root, isWatched, folder, logFile, compilerCache };
      return { ...(await rpmbuild(store, { ...request, jobs, atFailure })), keysByInterface };
    });
    const { files, peakMemoryBytes, durationMs, keysByInterface } = result;
    const buildMs = Math.round(durationMs);
    const [rpms, spec, log, openedFiles] = await Promise.all([
      Promise.all(
        files.map(async (file): Promise<BuiltRpm> => {
          return { file, ...(await store.putFile(path.join(folder, "RPMS", file))) };
        }),
      ),
      store.put(entry.spec),
      store.putFile(logFile),
      opened.then(async (paths) => paths && (await store.put(linesOf(paths)))),
    ]);
    const { base } = context;
    const statement = provenanceStatement({ entry, action, key, base, rpms });
    const provenance = await store.put(`${canonicalJson(statement)}\n`);
    const made: ActionResult = {
      outputs: [
        ...rpms.map(({ file, sha256, size }) => ({ name: file, sha256, size })),
        { name: `${name}.spec`, ...spec },
        { name: provenanceName, ...provenance },
        { name: logName, ...log },
        ...(openedFiles === undefined ? [] : [{ name: openedFilesName, ...openedFiles }]),
      ],
      facts: { package: label, buildMs, peakMemoryBytes },
    };
    await store.putAction(key, made, { shared: true });
    for (const one of await keysByInterface) await store.putAction(one, made);
    const seconds = (buildMs / 1000).toFixed(1);
    logger.info(`${label}: built ${rpms.length} RPMs in ${seconds} s`, { ...facts, buildMs });
    return {
      ...{ name, stage, key, spec: spec.sha256, rpms, provenance: provenance.sha256 },
      ...{ how: "built", isByInterface: false, buildMs, peakMemoryBytes },
    };
  });
}

function linesOf(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
