import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { CleanroomError, isMissingFile, pathExists, readYamlFile } from "@cleanroom/core";
import {
  type Capability,
  capabilityMatches,
  type Requirement,
  type SpecDependency,
  staticProvides,
} from "rpm-parser";
import { type BuildEvaluator, buildEvaluator, type EvaluatedBuild } from "./evaluated-build.ts";
import { type PackageFile, packageFileSchema, type PackageStage } from "./package-file.ts";
import { profileFileSchema } from "./profile/profile-file.ts";
import { readProfiles } from "./profile/read-profiles.ts";
import {
  type CapabilityRule,
  type Profile,
  profileFromFile,
  type Rule,
  rulesOf,
} from "./profile/rule.ts";
import {
  type BuildId,
  type BuildPlan,
  formatBuildId,
  type GraphNode,
  planBuilds,
} from "./stack-graph.ts";
import { unmatchedRules } from "./strip/report.ts";

/** One build of a spec of the workspace, evaluated with the macros of the base. */
export interface StackPackage extends GraphNode, BuildId, EvaluatedBuild {
  /** Absolute path of specs/rpm/NAME. */
  readonly folder: string;
  /** The same, relative to the workspace, for messages. */
  readonly displayFolder: string;
  /** What neither its spec nor its RPMs may ask for, by its profiles. */
  readonly forbid: readonly CapabilityRule[];
  /** What its build is expected to take, by its package.yaml. */
  readonly buildSeconds: number | undefined;
  /** When a new build of it stops there. */
  readonly cutoff: PackageFile["cutoff"];
}

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

/** What the specs are evaluated with: committed files alone. */
export interface StackOptions {
  /** RPM macros of the base. */
  readonly macros: Readonly<Record<string, string>>;
  /** RPM's name of the architecture, such as x86_64. */
  readonly arch: string;
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
  const files = specFiles(workspace);
  const evaluateBuild = buildEvaluator(options);
  const profiles = new Map<string, Promise<readonly Profile[]>>();
  const profilesOf = (names: readonly string[]): Promise<readonly Profile[]> => {
    const known = profiles.get(names.join("\0")) ?? readProfiles(workspace, names);
    profiles.set(names.join("\0"), known);
    return known;
  };
  const read: ReadPackage[] = [];
  for (const file of files) {
    read.push(await readPackage({ workspace, evaluateBuild, profilesOf }, file));
  }
  const lasts = read.map(({ last }) => last);
  const providers = indexByName(
    lasts.flatMap((entry) =>
      staticProvides(entry.model).map((capability) => ({ capability, name: entry.name })),
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

type BareBuild = Omit<StackPackage, "buildNeeds" | "runtimeNeeds">;

interface ReadPackage {
  readonly last: BareBuild;
  readonly bootstrap: BareBuild | undefined;
  readonly profiles: readonly Profile[];
}

function withNeeds(entry: BareBuild, providers: Providers): StackPackage {
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

/** `specs/rpm/NAME/*.spec`, sorted. Read here, for every start would pay for loading a library. */
function specFiles(workspace: string): string[] {
  const names = (folder: string): string[] => {
    try {
      return readdirSync(path.join(workspace, folder)).filter((name) => !name.startsWith("."));
    } catch (error) {
      if (isMissingFile(error)) return [];
      throw error;
    }
  };
  return names("specs/rpm")
    .flatMap((name) => names(`specs/rpm/${name}`).map((file) => `specs/rpm/${name}/${file}`))
    .filter((file) => file.endsWith(".spec"))
    .toSorted();
}

/** What the packages of a stack are read with. */
interface StackReader {
  readonly workspace: string;
  readonly evaluateBuild: BuildEvaluator;
  readonly profilesOf: (names: readonly string[]) => Promise<readonly Profile[]>;
}

async function readPackage(
  { workspace, evaluateBuild, profilesOf }: StackReader,
  file: string,
): Promise<ReadPackage> {
  const folder = path.join(workspace, path.dirname(file));
  const name = path.basename(file, ".spec");
  if (path.basename(folder) !== name) {
    throw new CleanroomError("spec-misplaced", `${file} must be in a folder named ${name}`, {
      place: { file },
      exitCode: 2,
    });
  }
  const packageFile = await readPackageFile(workspace, path.dirname(file));
  const profiles = await profilesOf(packageFile.profiles);
  // Thousands of small files: a thread for each would cost more than reading them.
  const text = readFileSync(path.join(workspace, file), "utf8");
  const build = (stage: BuildId["stage"], switches: readonly Profile[]): BareBuild => ({
    name,
    stage,
    folder,
    displayFolder: path.dirname(file),
    ...evaluateBuild({ text, file, profiles, switches }),
    buildSeconds: packageFile.buildSeconds,
    cutoff: packageFile.cutoff,
    forbid: profiles.flatMap((profile) => profile.forbid),
  });
  const last = build(undefined, []);
  if (last.model.name !== name) {
    throw new CleanroomError(
      "spec-misplaced",
      `${file} describes ${last.model.name}, not ${name}`,
      {
        place: { file },
        exitCode: 2,
      },
    );
  }
  const stage = packageFile.stages.bootstrap;
  if (stage === undefined) return { last, bootstrap: undefined, profiles };
  const switches = stageProfile(name, stage);
  const bootstrap = build("bootstrap", [switches]);
  const missing = rulesOf(switches).find((rule) => !bootstrap.matched.has(rule));
  if (missing !== undefined) {
    throw new CleanroomError(
      "stage-condition",
      `the bootstrap stage switches ${missing.match}, which ${file} does not declare`,
      {
        place: { file: `${path.dirname(file)}/package.yaml` },
        exitCode: 2,
        hint: `it declares: ${last.model.buildConditions.map((one) => one.name).join(", ")}`,
      },
    );
  }
  return { last, bootstrap, profiles };
}

async function readPackageFile(workspace: string, folder: string): Promise<PackageFile> {
  const displayName = path.join(folder, "package.yaml");
  const file = path.join(workspace, displayName);
  if (!(await pathExists(file))) return packageFileSchema.parse({});
  return readYamlFile(file, packageFileSchema, displayName);
}

/** What a stage switches, as a profile of its own. */
function stageProfile(name: string, stage: PackageStage): Profile {
  const bcond = Object.fromEntries([
    ...stage.with.map((condition) => [condition, true] as const),
    ...stage.without.map((condition) => [condition, false] as const),
  ]);
  const description = `The bootstrap stage of ${name}`;
  return profileFromFile(
    "stage bootstrap",
    profileFileSchema.parse({ description, packages: { [name]: { bcond } } }),
  );
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
