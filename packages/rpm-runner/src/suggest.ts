import { type Capability, parseCapability, parseRequirement, type Requirement } from "rpm-parser";
import type { RpmNeeds } from "./rpm-needs.ts";

/** A built RPM, with what its spec says of it by hand. */
export interface SuggestionInput extends RpmNeeds {
  /** The spec it comes from. */
  readonly source: string;
  /** Requires that stand in the spec, as rpm writes them. */
  readonly declared: readonly string[];
}

/** Something that a profile could take away. */
export interface Suggestion {
  readonly kind: "subpackage" | "requires";
  /** Name of the RPM that it is about. */
  readonly packageName: string;
  /** The Requires; undefined for a subpackage. */
  readonly dependency: string | undefined;
  /** Installed bytes that would be spared. */
  readonly sparedBytes: number;
  readonly why: string;
}

/**
 * What a profile could drop of one spec's packages, most first:
 *
 * - subpackages that nothing installs: neither an image nor a build, through any chain of Requires;
 * - Requires written in the spec that bring a package which no file links and no dependency that
 *   rpm found asks for, and nothing else either. Whether a program starts the other one is not
 *   seen.
 *
 * @param wanted capabilities that images and builds ask for
 */
export function suggestCuts(
  source: string,
  rpms: readonly SuggestionInput[],
  wanted: readonly string[],
): Suggestion[] {
  const index = providersByName(rpms);
  const installed = closureOf(wanted, index, () => true);
  const own = rpms.filter((rpm) => rpm.source === source);
  const idle = own
    .filter((rpm) => !installed.has(rpm))
    .map((rpm): Suggestion => ({
      kind: "subpackage",
      packageName: rpm.name,
      dependency: undefined,
      sparedBytes: rpm.installedBytes,
      why: "no image and no build installs it",
    }));
  const loose = own
    .filter((rpm) => installed.has(rpm))
    .flatMap((rpm) =>
      rpm.declared.flatMap((dependency): Suggestion[] => {
        const targets = providersOf(dependency, index).filter((one) => one !== rpm);
        if (targets.length === 0 || targets.some((one) => isUsed(rpm, one))) return [];
        // Headers are of no use without their library, whatever links.
        if (rpm.name.endsWith("-devel") && targets.every((one) => one.source === source)) return [];
        const without = closureOf(
          wanted,
          index,
          (from, text) => from !== rpm || text !== dependency,
        );
        const spared = [...installed].filter((one) => !without.has(one));
        const sparedBytes = spared.reduce((sum, one) => sum + one.installedBytes, 0);
        const names = targets.map(({ name }) => name).join(", ");
        if (sparedBytes === 0) return [];
        return [
          {
            kind: "requires",
            packageName: rpm.name,
            dependency,
            sparedBytes,
            why: `no file links ${names}, and rpm found no other need of it`,
          },
        ];
      }),
    );
  return [...idle, ...loose].toSorted((a, b) => b.sparedBytes - a.sparedBytes);
}

type Providers = ReadonlyMap<string, readonly SuggestionInput[]>;

function providersByName(rpms: readonly SuggestionInput[]): Providers {
  const found = new Map<string, SuggestionInput[]>();
  for (const rpm of rpms) {
    for (const name of new Set(rpm.provides)) {
      const known = found.get(name);
      if (known === undefined) found.set(name, [rpm]);
      else known.push(rpm);
    }
  }
  return found;
}

function providersOf(dependency: string, index: Providers): SuggestionInput[] {
  const requirement = parseRequirement(dependency);
  return requirement === undefined
    ? []
    : capabilitiesOf(requirement).flatMap(({ name }) => index.get(name) ?? []);
}

function capabilitiesOf(requirement: Requirement): Capability[] {
  if (requirement.kind === "simple") return [requirement.capability];
  return requirement.operands.flatMap((operand) => capabilitiesOf(operand));
}

/** The RPMs that some capabilities bring, by the Requires that `follows` lets through. */
function closureOf(
  wanted: readonly string[],
  index: Providers,
  follows: (from: SuggestionInput, dependency: string) => boolean,
): Set<SuggestionInput> {
  const found = new Set<SuggestionInput>();
  const visit = (dependency: string): void => {
    for (const rpm of providersOf(dependency, index)) {
      if (found.has(rpm)) continue;
      found.add(rpm);
      for (const next of [...rpm.declared, ...automatic(rpm)]) if (follows(rpm, next)) visit(next);
    }
  };
  for (const dependency of wanted) visit(dependency);
  return found;
}

/** Requires of the header that do not stand in the spec. */
function automatic({ requires, declared }: SuggestionInput): string[] {
  const names = new Set(declared.map((text) => parseCapability(text)?.name ?? text));
  return requires.filter((name) => !names.has(name));
}

/** Whether anything but a Requires in the spec leads from one RPM to another. */
function isUsed(rpm: SuggestionInput, other: SuggestionInput): boolean {
  const provided = new Set(other.provides);
  return automatic(rpm).some((name) => provided.has(name));
}
