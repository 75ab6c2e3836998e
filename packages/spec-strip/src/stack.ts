import { CleanroomError } from "@cleanroom/core";
import {
  type Capability,
  capabilityMatches,
  type Requirement,
  type SpecDependency,
} from "rpm-parser";
import type { Rule } from "./profile/rule.ts";
import type { ReadBuild, StackOptions } from "./read-package.ts";
import { readPackages } from "./read-packages.ts";
import {
  type BuildId,
  type BuildPlan,
  formatBuildId,
  type GraphNode,
  planBuilds,
} from "./stack-graph.ts";
import { unmatchedRules } from "./strip/report.ts";

/** One build of a spec of the workspace, and what it needs of the others. */
export interface StackPackage extends GraphNode, ReadBuild {}

/** Every spec of the workspace, and how they need each other. */
export interface Stack {
  /** The last build of each package, by name. */
  readonly packages: ReadonlyMap<string, StackPackage>;
  /** The bootstrap stages of the packages that have one, by name. */
  readonly bootstraps: ReadonlyMap<string, StackPackage>;
  /** Names, each after all that its last build needs. */
  readonly order: readonly string[];
  /** Every build that is needed, and what each needs. */
  readonly builds: BuildPlan;
  /**
   * Rules of the profiles in use that found nothing in any spec. What one drops or filters in every
   * spec may be for those of others: `spec strip` tells what it finds in these.
   */
  readonly unmatchedRules: readonly Rule[];
}

/**
 * Reads specs/rpm/*\/*.spec of a workspace, applies the profiles that each asks for, and works out
 * which package needs which: what a spec's BuildRequires ask for against what the others are known
 * to provide without building them. Starts no process.
 *
 * @throws {CleanroomError} `spec-invalid` with file:line:col; `spec-misplaced`; `build-cycle`;
 *   `stage-condition`; what `readProfiles` throws
 */
export async function readStack(workspace: string, options: StackOptions): Promise<Stack> {
  const read = await readPackages(workspace, options);
  const lasts = read.map(({ last }) => last);
  const providers = indexByName(
    lasts.flatMap((entry) =>
      entry.model.provides.map((capability) => ({ capability, name: entry.name })),
    ),
  );
  const packages = new Map<string, StackPackage>();
  const bootstraps = new Map<string, StackPackage>();
  for (const { last, bootstrap } of read) {
    if (packages.has(last.name)) {
      throw new CleanroomError("spec-misplaced", `two specs are named ${last.name}`, {
        place: { file: last.displayFolder },
        exitCode: 2,
      });
    }
    packages.set(last.name, withNeeds(last, providers));
    if (bootstrap !== undefined) bootstraps.set(last.name, withNeeds(bootstrap, providers));
  }
  const builds = planBuilds({ packages, bootstraps });
  return {
    packages,
    bootstraps,
    builds,
    order: builds.order.flatMap(({ name, stage }) => (stage === undefined ? [name] : [])),
    unmatchedRules: unmatchedRules(
      read.flatMap(({ profiles }) => profiles),
      read.map(({ last }) => last),
    ).filter(({ package: name, key }) => name !== undefined || !/^(?:drop|filter)\./.test(key)),
  };
}

/** The package of a build. */
export function packageOfBuild(stack: Stack, { name, stage }: BuildId): StackPackage {
  const entry = (stage === undefined ? stack.packages : stack.bootstraps).get(name);
  if (entry === undefined) throw new Error(`the stack has no ${formatBuildId({ name, stage })}`);
  return entry;
}

/** What a build needs built, each after what it needs itself; empty for a build of no plan. */
export function needsOfBuild({ builds }: Stack, build: BuildId): readonly BuildId[] {
  return builds.needs.get(formatBuildId(build)) ?? [];
}

function withNeeds(entry: ReadBuild, providers: Providers): StackPackage {
  const needs = (wanted: readonly SpecDependency[]): string[] =>
    [...new Set(wanted.flatMap(({ requirement }) => providersOf(requirement, providers)))]
      .filter((name) => name !== entry.name)
      .toSorted();
  return {
    ...entry,
    buildNeeds: needs(entry.model.buildRequires),
    runtimeNeeds: needs(entry.model.packages.flatMap(({ requires }) => requires)),
  };
}

type Providers = ReadonlyMap<string, readonly { capability: Capability; name: string }[]>;

function indexByName(provided: readonly { capability: Capability; name: string }[]): Providers {
  const index = new Map<string, { capability: Capability; name: string }[]>();
  for (const entry of provided) {
    const { name } = entry.capability;
    const entries = index.get(name);
    if (entries === undefined) index.set(name, [entry]);
    else entries.push(entry);
  }
  return index;
}

/** Names of the packages that fulfil a dependency, or any operand of a rich one. */
function providersOf(requirement: Requirement, providers: Providers): string[] {
  if (requirement.kind === "rich") {
    return requirement.operands.flatMap((operand) => providersOf(operand, providers));
  }
  const wanted = requirement.capability;
  return (providers.get(wanted.name) ?? [])
    .filter(({ capability }) => capabilityMatches(capability, wanted))
    .map(({ name }) => name);
}
