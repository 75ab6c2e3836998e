import { mkdir } from "node:fs/promises";
import path from "node:path";
import {
  canonicalJson,
  CleanroomError,
  formatError,
  type Logger,
  type Sandbox,
  type Sha256,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { type Closure, makeRoot, type Repository, resolveClosure } from "@cleanroom/rootfs";
import {
  type BuildId,
  formatBuildId,
  needsOfBuild,
  packageOfBuild,
  significantText,
  type Stack,
  type StackPackage,
} from "@cleanroom/spec-strip";
import { actionKey, type ActionInputs } from "./action-key.ts";
import { checkBuildRoot } from "./build-root-proof.ts";
import { type BuildInputs, buildInputs } from "./build-inputs.ts";
import { type CompilerCache, prepareCompilerCache } from "./compiler-cache.ts";
import { readHistory, writeHistory } from "./history.ts";
import {
  type BuildResult,
  type BuiltRpm,
  logName,
  openedFilesName,
  provenanceName,
} from "./build-result.ts";
import { interfaceKey } from "./interface/interface-key.ts";
import { cleanOutput, outputRepository, writeOutput } from "./output.ts";
import { whileObserving } from "./opened-files.ts";
import { checkBuild, checkSpec } from "./proof.ts";
import { provenanceStatement } from "./provenance.ts";
import { type AtFailure, prepareSandbox, rpmbuild, rpmbuildCommand } from "./rpmbuild.ts";
import { BuildBudget } from "./budget.ts";
import { longestChains, NotBegun, runSchedule, type TaskOutcome } from "./schedule.ts";
import type { BuildProgress, PlannedBuild } from "./progress.ts";
import { summarizeRun, writeRunSummary } from "./run-summary.ts";
import { type DebianSources, fetchSources, type SourceInput, sourceInputs } from "./sources.ts";

/** What builds are made with and where they go. */
export interface RunnerContext {
  readonly store: Store;
  readonly tools: Tools;
  readonly stack: Stack;
  readonly base: Repository;
  /** Packages of the base in every build root. */
  readonly buildRootPackages: readonly string[];
  readonly macros: Readonly<Record<string, string>>;
  readonly arch: string;
  /** Each package's RPMs go to a folder of its name in this one. */
  readonly outputFolder: string;
  /** Those of a stage go to STAGE/NAME in this one: nothing takes them for the package's. */
  readonly stageFolder: string;
  readonly debian: DebianSources;
  /** ccache for the compilers of builds; without it they compile everything. */
  readonly compilerCache: Tools | undefined;
  readonly limits: BuildLimits;
  /** `abi`: every package stops the wave as those do whose package.yaml says so. */
  readonly cutoff: StackPackage["cutoff"];
  /** Where the builds of a run stand. */
  readonly progress: BuildProgress;
  /** Looks at builds that have failed, where they stopped. */
  readonly atFailure?: AtFailure | undefined;
  readonly logger: Logger;
}

/** How builds share the machine. */
export interface BuildLimits {
  /** Builds under way at once. */
  readonly builds: number;
  /** Compiler jobs of all builds together; undefined: each has as many as there are processors. */
  readonly jobs: number | undefined;
  /** What all builds together may take, by what each took when it ran last. */
  readonly memoryBytes: number;
  /** After a failure, go on with what does not need the failed package. */
  readonly keepGoing: boolean;
}

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
  const { store, stack, limits, progress } = context;
  const startedMs = performance.now();
  const results = new Map<string, BuildResult>();
  const tasks = await planRun(context, builds);
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
        const result = await buildPackage(context, packageOfBuild(stack, build), results, inTurn);
        results.set(id, result);
        const { stage } = build;
        const folder =
          stage === undefined ? context.outputFolder : path.join(context.stageFolder, stage);
        await writeOutput(store, folder, result);
        progress.set(id, result.how);
      } catch (error) {
        if (!limits.keepGoing) budget.close();
        if (!(error instanceof NotBegun)) progress.set(id, "failed");
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
  throwFailures(outcomes, context.logger);
  return results;
}

/** Runs work when the machine has room for one build more. */
type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Builds whose inputs are looked at at once: most are cached, and this is all there is to them. */
const preparationsMax = 8;

/** What a build that has never run is taken to cost: neither first nor last. */
const unknownBuildMs = 20_000;

/** What a build that has never run is taken to need: so many fit beside each other as a rule. */
const unknownMemoryBytes = 1024 ** 3;

/** One build of a run, with what is known of it from its last. */
interface RunTask extends PlannedBuild {
  readonly build: BuildId;
  readonly memoryBytes: number;
}

/**
 * What a run would look at, in which order, and what is known of each build: a plan is data alone.
 * Whether a build has to run is known only when what it needs is there.
 */
export async function planPackages(
  context: Pick<RunnerContext, "store" | "stack">,
  names: readonly string[],
): Promise<readonly PlannedBuild[]> {
  const wanted = names.map((name): BuildId => ({ name, stage: undefined }));
  const tasks = await planRun(context, withNeeds(context.stack, wanted));
  return tasks.map(({ id, needs, expectedMs }) => ({ id, needs, expectedMs }));
}

async function planRun(
  { store, stack }: Pick<RunnerContext, "store" | "stack">,
  builds: readonly BuildId[],
): Promise<readonly RunTask[]> {
  const history = await readHistory(store, builds);
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
    };
  });
}

/** @throws the first failure; the others are told before it */
function throwFailures(outcomes: ReadonlyMap<string, TaskOutcome<void>>, logger: Logger): void {
  const failures = [...outcomes.values()].filter((outcome) => outcome.state === "failed");
  const [first, ...others] = failures;
  if (first === undefined) return;
  for (const { error } of others) {
    if (!(error instanceof CleanroomError)) throw error;
    logger.error(formatError(error));
  }
  const skipped = [...outcomes].filter(([, { state }]) => state === "skipped");
  if (skipped.length > 0) {
    logger.warning(`not built because of that: ${skipped.map(([id]) => id).join(", ")}`);
  }
  throw first.error;
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

function checkIsPlanned(stack: Stack, build: BuildId): void {
  if (stack.builds.needs.has(formatBuildId(build))) return;
  throw new CleanroomError(
    "stage-unknown",
    `there is no build ${formatBuildId(build)}: no cycle of packages needs it`,
    { exitCode: 2, hint: `./cleanroom rpm build ${build.name}` },
  );
}

/** All that a build is made of, resolved; nothing is built yet. */
export interface PreparedBuild {
  readonly sources: readonly SourceInput[];
  readonly closure: Closure;
  readonly repositories: readonly Repository[];
  readonly action: ActionInputs;
  readonly inputs: BuildInputs;
  readonly key: Sha256;
}

export async function prepareBuild(
  context: RunnerContext,
  entry: StackPackage,
  results: ReadonlyMap<string, BuildResult>,
  { fetch }: { readonly fetch: boolean } = { fetch: true },
): Promise<PreparedBuild> {
  const { store, tools, stack, macros, arch } = context;
  const dependencies = needsOfBuild(stack, entry).map((dependency) => {
    const id = formatBuildId(dependency);
    const result = results.get(id);
    if (result === undefined) throw new Error(`${id} was not built before ${formatBuildId(entry)}`);
    return result;
  });
  const repositories = [
    context.base,
    ...(await Promise.all(dependencies.map((result) => outputRepository(store, tools, result)))),
  ];
  const closure = await resolveClosure(store, tools, {
    name: `${entry.name}-build-root`,
    requires: [...context.buildRootPackages, ...entry.model.buildRequires.map(({ text }) => text)],
    conflicts: entry.model.buildConflicts.map(({ text }) => text),
    repositories,
    arch,
  });
  if (fetch) await fetchSources(store, entry, context.debian, context.logger);
  const sources = await sourceInputs(store, entry);
  const spec = significantText(entry.spec, { macros, arch });
  const action = { spec, sources, closure, macros, arch, tools: tools.digest };
  const inputs = buildInputs(action);
  return { sources, closure, repositories, action, inputs, key: actionKey(action) };
}

async function buildPackage(
  context: RunnerContext,
  entry: StackPackage,
  results: ReadonlyMap<string, BuildResult>,
  inTurn: InTurn,
): Promise<BuildResult> {
  const { store, logger, stack } = context;
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
  if (!result.isByInterface) {
    await writeHistory(store, { ...result, id: formatBuildId(entry), inputs: prepared.inputs });
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
    const compilerCache = await compilerCacheOf(context, name, closure, root);
    const { jobs: allJobs, builds } = context.limits;
    const jobs = allJobs === undefined ? undefined : Math.max(1, Math.floor(allJobs / builds));
    const { atFailure } = context;
    const request = {
      ...{ entry, sources, macros, root, folder, logFile, compilerCache, jobs, atFailure },
    };
    const { result, opened } = await whileObserving(tools, root, logger, () =>
      rpmbuild(store, request),
    );
    const { files, peakMemoryBytes, durationMs } = result;
    const buildMs = Math.round(durationMs);
    const rpms: BuiltRpm[] = [];
    for (const file of files) {
      rpms.push({ file, ...(await store.putFile(path.join(folder, "RPMS", file))) });
    }
    const spec = await store.put(entry.spec);
    const { base } = context;
    const statement = provenanceStatement({ entry, action, key, base, rpms });
    const provenance = await store.put(`${canonicalJson(statement)}\n`);
    await store.putAction(
      key,
      {
        outputs: [
          ...rpms.map(({ file, sha256, size }) => ({ name: file, sha256, size })),
          { name: `${name}.spec`, ...spec },
          { name: provenanceName, ...provenance },
          { name: logName, ...(await store.putFile(logFile)) },
          ...(opened === undefined
            ? []
            : [{ name: openedFilesName, ...(await store.put(linesOf(opened))) }]),
        ],
        facts: { package: label, buildMs, peakMemoryBytes },
      },
      { shared: true },
    );
    await recordInterfaceKeys(context, action, key);
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

/** A package, all that its build is made of, and the host folder of its build root. */
export interface OpenedBuild {
  readonly entry: StackPackage;
  readonly prepared: PreparedBuild;
  readonly root: string;
}

/** Makes the build root of a package; all that it needs is built first. */
export async function buildRootOf(context: RunnerContext, name: string): Promise<OpenedBuild> {
  const { store, tools, stack } = context;
  const entry = packageOfBuild(stack, { name, stage: undefined });
  const results = await buildAll(context, withNeeds(stack, needsOfBuild(stack, entry)));
  const prepared = await prepareBuild(context, entry, results);
  const { closure, repositories } = prepared;
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  return { entry, prepared, root };
}

/**
 * Opens the build root of a package, its sources in place, and hands its sandbox to `work`. The
 * work folder is gone afterwards.
 */
export async function openBuildRoot(
  context: RunnerContext,
  name: string,
  work: (sandbox: Sandbox, command: readonly string[]) => Promise<void>,
): Promise<void> {
  const { store, macros } = context;
  const { entry, prepared, root } = await buildRootOf(context, name);
  await store.withTemporaryFolder(`shell-${name}`, async (folder) => {
    const logFile = path.join(folder, "build.log");
    const compilerCache = await compilerCacheOf(context, name, prepared.closure, root);
    const { sources } = prepared;
    const request = { entry, sources, macros, root, folder, logFile, compilerCache };
    await work(await prepareSandbox(store, request), rpmbuildCommand(request));
  });
}

/** The compiler cache of a package, when builds are to have one. */
export async function compilerCacheOf(
  context: RunnerContext,
  name: string,
  closure: Closure,
  root: string,
): Promise<CompilerCache | undefined> {
  const { store, tools, base, arch, buildRootPackages, compilerCache: ccache } = context;
  if (ccache === undefined) return undefined;
  const toolchain = await resolveClosure(store, tools, {
    name: "build-root",
    requires: buildRootPackages,
    repositories: [base],
    arch,
  });
  const names = toolchain.packages.map((entry) => entry.name);
  const request = { ccache, base: base.id, toolchain: names, closure, root, name };
  return prepareCompilerCache(store, request);
}

async function knownResult(
  store: Store,
  { name, stage }: BuildId,
  key: Sha256,
): Promise<BuildResult | undefined> {
  const known = await store.action(key, { shared: true });
  if (known === undefined) return undefined;
  const digests = new Map(known.outputs.map((output) => [output.name, output.sha256]));
  const spec = digests.get(`${name}.spec`);
  const provenance = digests.get(provenanceName);
  if (spec === undefined || provenance === undefined) return undefined;
  const rpms = known.outputs
    .filter((output) => output.name.endsWith(".rpm"))
    .map((output) => ({ file: output.name, sha256: output.sha256, size: output.size }));
  const buildMs = Number(known.facts["buildMs"] ?? 0);
  const peakMemoryBytes = Number(known.facts["peakMemoryBytes"] ?? 0);
  return {
    ...{ name, stage, key, spec, rpms, provenance },
    ...{ how: "cached", isByInterface: false, buildMs, peakMemoryBytes },
  };
}

/** What the store has of a build: by its own key, else by the interfaces that cut it off. */
export async function findResult(
  context: RunnerContext,
  entry: BuildId,
  { key, action }: Pick<PreparedBuild, "key" | "action">,
): Promise<BuildResult | undefined> {
  const known = await knownResult(context.store, entry, key);
  if (known !== undefined) return known;
  const byInterface = await interfaceKey(context.store, action, cutoffNames(context));
  if (byInterface === undefined) return undefined;
  const result = await knownResult(context.store, entry, byInterface);
  return result === undefined ? undefined : { ...result, how: "cut-off", isByInterface: true };
}

/** Names of the packages that stop a wave by their interface. */
function cutoffNames({ stack, cutoff }: RunnerContext): Set<string> {
  const all = [...stack.packages.values()];
  const chosen = cutoff === "abi" ? all : all.filter((entry) => entry.cutoff === "abi");
  return new Set(chosen.map(({ name }) => name));
}

/**
 * Files what a build made under its keys by interface as well: as the run asks for it, and with
 * every package by its interface, should a later run ask for that.
 */
async function recordInterfaceKeys(
  context: RunnerContext,
  action: ActionInputs,
  key: Sha256,
): Promise<void> {
  const { store } = context;
  const result = await store.action(key);
  if (result === undefined) return;
  for (const one of [context, { ...context, cutoff: "abi" as const }]) {
    const byInterface = await interfaceKey(store, action, cutoffNames(one));
    if (byInterface !== undefined) await store.putAction(byInterface, result);
  }
}
