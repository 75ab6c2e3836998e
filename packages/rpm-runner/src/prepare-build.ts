import type { Sha256 } from "@cleanroom/core";
import { type Closure, type Repository, resolveClosure } from "@cleanroom/rootfs";
import { formatBuildId, needsOfBuild, type StackPackage } from "@cleanroom/spec-strip";
import { actionKey, type ActionInputs } from "./action-key.ts";
import type { BuildResult } from "./build-result.ts";
import { type CompilerCache, prepareCompilerCache } from "./compiler-cache.ts";
import { compilersOf } from "./compiler-packages.ts";
import { outputRepository } from "./output.ts";
import type { RunnerContext } from "./runner-context.ts";
import { fetchLocked, type SourceInput, sourceInputs } from "./sources.ts";
import { readSourcesLock } from "./sources-lock.ts";

/** All that a build is made of, resolved; nothing is built yet. */
export interface PreparedBuild {
  readonly sources: readonly SourceInput[];
  readonly closure: Closure;
  readonly repositories: readonly Repository[];
  readonly action: ActionInputs;
  readonly key: Sha256;
}

/**
 * Resolves all that a build is made of: sources, build root and action key.
 *
 * @param results of the builds that it needs, by their ids
 * @param options.fetch false where sources that are not in the store are not to be fetched
 */
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
  const locked = await readSourcesLock(entry.folder, entry.displayFolder);
  if (fetch) await fetchLocked(store, entry, locked, context.debian, context.logger);
  const sources = await sourceInputs(store, entry, locked);
  const action = { spec: entry.significant, sources, closure, macros, arch, tools: tools.digest };
  return { sources, closure, repositories, action, key: actionKey(action) };
}

/** The compiler cache of a package, when builds are to have one. */
export async function compilerCacheOf(
  context: RunnerContext,
  name: string,
  closure: Closure,
): Promise<CompilerCache | undefined> {
  const { store, base, compilerCache: ccache } = context;
  if (ccache === undefined) return undefined;
  const compilers = await compilersOf(store, closure);
  if (compilers === undefined) return undefined;
  return prepareCompilerCache(store, { ccache, base: base.id, compilers, name });
}
