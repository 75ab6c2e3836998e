import type { Sha256 } from "@cleanroom/core";
import { type Closure, type Repository, resolveClosure } from "@cleanroom/rootfs";
import {
  formatBuildId,
  needsOfBuild,
  significantText,
  type StackPackage,
} from "@cleanroom/spec-strip";
import { actionKey, type ActionInputs } from "./action-key.ts";
import { type BuildInputs, buildInputs } from "./build-inputs.ts";
import type { BuildResult } from "./build-result.ts";
import { type CompilerCache, prepareCompilerCache } from "./compiler-cache.ts";
import { outputRepository } from "./output.ts";
import type { RunnerContext } from "./runner-context.ts";
import { fetchSources, type SourceInput, sourceInputs } from "./sources.ts";

/** All that a build is made of, resolved; nothing is built yet. */
export interface PreparedBuild {
  readonly sources: readonly SourceInput[];
  readonly closure: Closure;
  readonly repositories: readonly Repository[];
  readonly action: ActionInputs;
  readonly inputs: BuildInputs;
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
  if (fetch) await fetchSources(store, entry, context.debian, context.logger);
  const sources = await sourceInputs(store, entry);
  const spec = significantText(entry.spec, { macros, arch });
  const action = { spec, sources, closure, macros, arch, tools: tools.digest };
  const inputs = buildInputs(action);
  return { sources, closure, repositories, action, inputs, key: actionKey(action) };
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
