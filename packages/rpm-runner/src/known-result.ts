import type { Sha256, Store } from "@cleanroom/core";
import type { BuildId } from "@cleanroom/spec-strip";
import type { ActionInputs } from "./action-key.ts";
import { type BuildResult, provenanceName } from "./build-result.ts";
import { interfaceKey } from "./interface/interface-key.ts";
import type { PreparedBuild } from "./prepare-build.ts";
import type { RunnerContext } from "./runner-context.ts";

/** What the store has under a key of a build. */
export async function knownResult(
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
 * The keys by interface that a build is filed under besides its own: as the run asks for it, and with
 * every package by its interface, should a later run ask for that.
 */
export async function interfaceKeys(
  context: RunnerContext,
  action: ActionInputs,
): Promise<readonly Sha256[]> {
  const keys = new Set<Sha256>();
  for (const one of [context, { ...context, cutoff: "abi" as const }]) {
    const byInterface = await interfaceKey(context.store, action, cutoffNames(one));
    if (byInterface !== undefined) keys.add(byInterface);
  }
  return [...keys];
}
