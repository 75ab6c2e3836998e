import { readFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, pathExists, readYamlFile } from "@cleanroom/core";
import fastGlob from "fast-glob";
import {
  type Capability,
  capabilityMatches,
  evaluateSpec,
  macrosFromRecord,
  parseSpec,
  type Requirement,
  type SourcePackage,
  type SpecDependency,
  standardMacros,
  staticProvides,
} from "rpm-parser";
import { packageFileSchema } from "./package-file.ts";
import { buildOrder, type GraphNode } from "./stack-graph.ts";

/** One spec of the workspace, evaluated with the macros of the base. */
export interface StackPackage extends GraphNode {
  /** Absolute path of specs/rpm/NAME. */
  readonly folder: string;
  /** The same, relative to the workspace, for messages. */
  readonly displayFolder: string;
  /** The spec's text as it is built. */
  readonly spec: string;
  readonly model: SourcePackage;
}

/** Every spec of the workspace, and how they need each other. */
export interface Stack {
  readonly packages: ReadonlyMap<string, StackPackage>;
  /** Names, each after all that it needs. */
  readonly order: readonly string[];
}

/** What the specs are evaluated with: committed files alone. */
export interface StackOptions {
  /** RPM macros of the base. */
  readonly macros: Readonly<Record<string, string>>;
  /** RPM's name of the architecture, such as x86_64. */
  readonly arch: string;
}

/**
 * Reads specs/rpm/*\/*.spec of a workspace and works out which package needs which: what a
 * spec's BuildRequires ask for against what the others are known to provide without building
 * them. Starts no process.
 *
 * @throws {CleanroomError} `spec-invalid` with file:line:col; `spec-misplaced`; `build-cycle`
 */
export async function readStack(workspace: string, options: StackOptions): Promise<Stack> {
  const files = await fastGlob("specs/rpm/*/*.spec", { cwd: workspace });
  const read = await Promise.all(
    files.toSorted().map((file) => readPackage(workspace, file, options)),
  );
  const provided = read.flatMap((entry) =>
    staticProvides(entry.model).map((capability) => ({ capability, name: entry.name })),
  );
  const providers = indexByName(provided);
  const packages = new Map<string, StackPackage>();
  for (const entry of read) {
    if (packages.has(entry.name)) {
      throw new CleanroomError("spec-misplaced", `two specs are named ${entry.name}`, {
        place: { file: entry.displayFolder },
        exitCode: 2,
      });
    }
    const needs = (wanted: readonly SpecDependency[]): string[] =>
      [...new Set(wanted.flatMap(({ requirement }) => providersOf(requirement, providers)))]
        .filter((name) => name !== entry.name)
        .toSorted();
    packages.set(entry.name, {
      ...entry,
      buildNeeds: needs(entry.model.buildRequires),
      runtimeNeeds: needs(entry.model.packages.flatMap(({ requires }) => requires)),
    });
  }
  return { packages, order: buildOrder(packages) };
}

type ReadPackage = Omit<StackPackage, "buildNeeds" | "runtimeNeeds">;

async function readPackage(
  workspace: string,
  file: string,
  options: StackOptions,
): Promise<ReadPackage> {
  const folder = path.join(workspace, path.dirname(file));
  const name = path.basename(file, ".spec");
  if (path.basename(folder) !== name) {
    throw new CleanroomError("spec-misplaced", `${file} must be in a folder named ${name}`, {
      place: { file },
      exitCode: 2,
    });
  }
  const packageFile = path.join(folder, "package.yaml");
  if (await pathExists(packageFile)) {
    await readYamlFile(packageFile, packageFileSchema, path.relative(workspace, packageFile));
  }
  const spec = await readFile(path.join(workspace, file), "utf8");
  const { package: model, diagnostics } = evaluateSpec(parseSpec(spec, file), {
    macros: macrosFromRecord(options.macros, standardMacros()),
    target: options.arch,
  });
  const error = diagnostics.find(({ severity }) => severity === "error");
  if (error !== undefined) {
    throw new CleanroomError("spec-invalid", error.message, { place: error.place, exitCode: 2 });
  }
  if (model.name !== name) {
    throw new CleanroomError("spec-misplaced", `${file} describes ${model.name}, not ${name}`, {
      place: { file },
      exitCode: 2,
    });
  }
  return { name, folder, displayFolder: path.dirname(file), spec, model };
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
