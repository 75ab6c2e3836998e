import { type Capability, parseRequirement, type Requirement } from "rpm-parser";

/** Packages by the names of what they provide. */
export type Providers<Package> = ReadonlyMap<string, readonly Package[]>;

/** Indexes packages by the names of their capabilities, and whatever else is among `provides`. */
export function providersByName<Package extends { readonly provides: readonly string[] }>(
  packages: readonly Package[],
): Providers<Package> {
  const found = new Map<string, Package[]>();
  for (const one of packages) {
    for (const name of new Set(one.provides)) {
      const known = found.get(name);
      if (known === undefined) found.set(name, [one]);
      else known.push(one);
    }
  }
  return found;
}

/**
 * The packages that have to do with a dependency: of a rich one, with any of its operands. Versions
 * do not count: the packages were chosen to fit.
 */
export function providersOf<Package>(dependency: string, index: Providers<Package>): Package[] {
  const requirement = parseRequirement(dependency);
  return requirement === undefined
    ? []
    : capabilitiesOf(requirement).flatMap(({ name }) => index.get(name) ?? []);
}

function capabilitiesOf(requirement: Requirement): Capability[] {
  if (requirement.kind === "simple") return [requirement.capability];
  return requirement.operands.flatMap((operand) => capabilitiesOf(operand));
}

/** The packages that some dependencies bring, with those that each of them requires. */
export function closureOf<Package>(
  wanted: readonly string[],
  index: Providers<Package>,
  requiresOf: (one: Package) => readonly string[],
): Set<Package> {
  const found = new Set<Package>();
  const visit = (dependency: string): void => {
    for (const one of providersOf(dependency, index)) {
      if (found.has(one)) continue;
      found.add(one);
      for (const next of requiresOf(one)) visit(next);
    }
  };
  for (const dependency of wanted) visit(dependency);
  return found;
}
