import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Logger, Sha256, Store, Tools } from "@cleanroom/core";
import { makeRoot, type Repository, resolveClosure } from "@cleanroom/rootfs";
import { buildClosure, type Stack, type StackPackage } from "@cleanroom/spec-strip";
import { actionKey } from "./action-key.ts";
import { type BuildResult, type BuiltRpm, logName } from "./build-result.ts";
import { outputRepository, writeOutput } from "./output.ts";
import { rpmbuild } from "./rpmbuild.ts";
import { type DebianSources, fetchSources, sourceInputs } from "./sources.ts";

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

async function buildPackage(
  context: RunnerContext,
  entry: StackPackage,
  results: ReadonlyMap<string, BuildResult>,
): Promise<BuildResult> {
  const { store, tools, stack, logger } = context;
  const { name } = entry;
  const dependencies = buildClosure(stack.packages, name).map((dependency) => {
    const result = results.get(dependency);
    if (result === undefined) throw new Error(`${dependency} was not built before ${name}`);
    return result;
  });
  const repositories = [
    context.base,
    ...(await Promise.all(dependencies.map((result) => outputRepository(store, tools, result)))),
  ];
  const closure = await resolveClosure(store, tools, {
    name: `${name}-build-root`,
    requires: [
      ...context.buildRootPackages,
      ...entry.model.buildRequires.map(({ text }) => text),
    ],
    conflicts: entry.model.buildConflicts.map(({ text }) => text),
    repositories,
    arch: context.arch,
  });
  await fetchSources(store, entry, context.debian, logger);
  const sources = await sourceInputs(store, entry);
  const { macros, arch } = context;
  const key = actionKey({ spec: entry.spec, sources, closure, macros, arch });
  const known = await knownResult(store, name, key);
  if (known !== undefined) return known;
  return store.withLock(`build-${key}`, async () => {
    const madeMeanwhile = await knownResult(store, name, key);
    if (madeMeanwhile !== undefined) return madeMeanwhile;
    logger.info(`${name}: preparing the build root (${closure.packages.length} packages)`, {
      package: name,
    });
    const root = await makeRoot(store, tools, closure, repositories, { docs: false });
    return store.withTemporaryFolder(`build-${name}`, async (folder) => {
      const logFile = store.path("logs", `${name}.log`);
      await mkdir(path.dirname(logFile), { recursive: true });
      logger.info(`${name}: building ${entry.model.version}-${entry.model.release}`, {
        package: name,
      });
      const startedMs = performance.now();
      const files = await rpmbuild(store, { entry, sources, macros, arch, root, folder, logFile });
      const buildMs = Math.round(performance.now() - startedMs);
      const rpms: BuiltRpm[] = [];
      for (const file of files) {
        rpms.push({ file, ...(await store.putFile(path.join(folder, "RPMS", file))) });
      }
      const log = await store.putFile(logFile);
      await store.putAction(key, {
        outputs: [
          ...rpms.map(({ file, sha256, size }) => ({ name: file, sha256, size })),
          { name: logName, ...log },
        ],
        facts: { package: name, buildMs },
      });
      logger.info(`${name}: built ${rpms.length} RPMs in ${(buildMs / 1000).toFixed(1)} s`, {
        package: name,
        buildMs,
      });
      return { name, key, rpms, how: "built", buildMs };
    });
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
