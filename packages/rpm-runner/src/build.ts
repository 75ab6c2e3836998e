import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Logger, Sandbox, Sha256, Store, Tools } from "@cleanroom/core";
import { type Closure, makeRoot, type Repository, resolveClosure } from "@cleanroom/rootfs";
import { buildClosure, type Stack, type StackPackage } from "@cleanroom/spec-strip";
import { actionKey } from "./action-key.ts";
import { type BuildResult, type BuiltRpm, logName } from "./build-result.ts";
import { outputRepository, writeOutput } from "./output.ts";
import { prepareSandbox, rpmbuild, rpmbuildCommand } from "./rpmbuild.ts";
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
  readonly debian: DebianSources;
  readonly logger: Logger;
}

/**
 * Builds packages and all that they need, in order, each only when its action key is new to the
 * store, and puts the RPMs, the log and `record.json` of the named ones into the output folder.
 *
 * @throws {CleanroomError} of the first package that fails
 */
export async function buildPackages(
  context: RunnerContext,
  names: readonly string[],
): Promise<readonly BuildResult[]> {
  const { stack } = context;
  const needed = new Set(names.flatMap((name) => [name, ...withAllNeeds(stack, name)]));
  const results = new Map<string, BuildResult>();
  for (const name of stack.order.filter((candidate) => needed.has(candidate))) {
    const entry = packageOf(stack, name);
    const result = await buildPackage(context, entry, results);
    results.set(name, result);
    await writeOutput(context.store, context.outputFolder, result);
  }
  return [...results.values()];
}

/** What a build needs, with what those builds need in turn. */
function withAllNeeds(stack: Stack, name: string): string[] {
  const found = new Set<string>();
  const visit = (one: string): void => {
    for (const next of buildClosure(stack.packages, one)) {
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(name);
  return [...found];
}

function packageOf(stack: Stack, name: string): StackPackage {
  const entry = stack.packages.get(name);
  if (entry === undefined) throw new Error(`the stack has no package ${name}`);
  return entry;
}

/** All that a build is made of, resolved; nothing is built yet. */
interface PreparedBuild {
  readonly sources: readonly SourceInput[];
  readonly closure: Closure;
  readonly repositories: readonly Repository[];
  readonly key: Sha256;
}

async function prepareBuild(
  context: RunnerContext,
  entry: StackPackage,
  results: ReadonlyMap<string, BuildResult>,
): Promise<PreparedBuild> {
  const { store, tools, stack, macros, arch } = context;
  const dependencies = buildClosure(stack.packages, entry.name).map((dependency) => {
    const result = results.get(dependency);
    if (result === undefined) throw new Error(`${dependency} was not built before ${entry.name}`);
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
  await fetchSources(store, entry, context.debian, context.logger);
  const sources = await sourceInputs(store, entry);
  const key = actionKey({ spec: entry.spec, sources, closure, macros, arch });
  return { sources, closure, repositories, key };
}

async function buildPackage(
  context: RunnerContext,
  entry: StackPackage,
  results: ReadonlyMap<string, BuildResult>,
): Promise<BuildResult> {
  const { store } = context;
  const prepared = await prepareBuild(context, entry, results);
  const known = await knownResult(store, entry.name, prepared.key);
  if (known !== undefined) return known;
  return store.withLock(`build-${prepared.key}`, async () => {
    const madeMeanwhile = await knownResult(store, entry.name, prepared.key);
    return madeMeanwhile ?? runBuild(context, entry, prepared);
  });
}

async function runBuild(
  context: RunnerContext,
  entry: StackPackage,
  { sources, closure, repositories, key }: PreparedBuild,
): Promise<BuildResult> {
  const { store, tools, logger, macros } = context;
  const { name } = entry;
  const facts = { package: name };
  logger.info(`${name}: preparing the build root (${closure.packages.length} packages)`, facts);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  return store.withTemporaryFolder(`build-${name}`, async (folder) => {
    const logFile = store.path("logs", `${name}.log`);
    await mkdir(path.dirname(logFile), { recursive: true });
    logger.info(`${name}: building ${entry.model.version}-${entry.model.release}`, facts);
    const startedMs = performance.now();
    const files = await rpmbuild(store, { entry, sources, macros, root, folder, logFile });
    const buildMs = Math.round(performance.now() - startedMs);
    const rpms: BuiltRpm[] = [];
    for (const file of files) {
      rpms.push({ file, ...(await store.putFile(path.join(folder, "RPMS", file))) });
    }
    await store.putAction(key, {
      outputs: [
        ...rpms.map(({ file, sha256, size }) => ({ name: file, sha256, size })),
        { name: logName, ...(await store.putFile(logFile)) },
      ],
      facts: { package: name, buildMs },
    });
    const seconds = (buildMs / 1000).toFixed(1);
    logger.info(`${name}: built ${rpms.length} RPMs in ${seconds} s`, { ...facts, buildMs });
    return { name, key, rpms, how: "built", buildMs };
  });
}

/**
 * Opens the build root of a package, all that it needs built and its sources in place, and hands
 * its sandbox to `work`. The work folder is gone afterwards.
 */
export async function openBuildRoot(
  context: RunnerContext,
  name: string,
  work: (sandbox: Sandbox, command: readonly string[]) => Promise<void>,
): Promise<void> {
  const { store, tools, stack, macros } = context;
  const entry = packageOf(stack, name);
  const needs = withAllNeeds(stack, name);
  const built = needs.length === 0 ? [] : await buildPackages(context, needs);
  const results = new Map(built.map((result) => [result.name, result]));
  const { sources, closure, repositories } = await prepareBuild(context, entry, results);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  await store.withTemporaryFolder(`shell-${name}`, async (folder) => {
    const logFile = path.join(folder, "build.log");
    const request = { entry, sources, macros, root, folder, logFile };
    await work(await prepareSandbox(store, request), rpmbuildCommand(request));
  });
}

async function knownResult(
  store: Store,
  name: string,
  key: Sha256,
): Promise<BuildResult | undefined> {
  const known = await store.action(key);
  if (known === undefined) return undefined;
  const rpms = known.outputs
    .filter((output) => output.name !== logName)
    .map((output) => ({ file: output.name, sha256: output.sha256, size: output.size }));
  return { name, key, rpms, how: "cached", buildMs: Number(known.facts["buildMs"] ?? 0) };
}
