import type { Place } from "@cleanroom/core";
import type { Evaluation, Requirement, SourcePackage, SpecDependency } from "rpm-parser";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import {
  type CapabilityRule,
  type DroppedKind,
  droppedKinds,
  idleRules,
  type Profile,
  type Rule,
  ruleName,
  rulesOf,
} from "../profile/rule.ts";

/** One change that profiles made to a spec. */
export interface StripEdit {
  /** What was done: `drop BuildRequires pkgconfig(x11)`. */
  readonly what: string;
  /** The rules that wanted it: `no-x11: drop.buildRequires: pkgconfig(x11)`. */
  readonly rules: readonly string[];
  /** Why, in the profiles' words. */
  readonly reason: string;
  /** The place and text in the spec as written; no text where something was put in. */
  readonly before: Place & { readonly text: string };
  /** The place and text in the stripped spec; no text where something went. */
  readonly after: Place & { readonly text: string };
}

/** A dependency that is still asked for although a profile forbids it, or wants it dropped. */
export interface ForbiddenDependency {
  readonly packageName: string;
  readonly kind: DroppedKind;
  readonly dependency: string;
  readonly rule: string;
  readonly place: Place | undefined;
}

/** What profiles did to a spec. */
export interface StripReport {
  readonly edits: readonly StripEdit[];
  /** Rules that found something to do here, or found it done. */
  readonly matched: ReadonlySet<Rule>;
  /** Rules that name this very package and found nothing. */
  readonly unmatched: readonly Rule[];
  readonly forbidden: readonly ForbiddenDependency[];
  /** What a rule drops and could not: it comes of a file that the spec includes, or of Lua. */
  readonly remaining: readonly ForbiddenDependency[];
}

/** What an evaluated spec still asks for against `forbid`. */
export function forbiddenDependencies(
  { package: source }: Evaluation,
  { forbid }: EffectiveRules,
): ForbiddenDependency[] {
  return ["buildRequires" as const, "requires" as const].flatMap((kind) =>
    dependenciesBy(source, kind, forbid),
  );
}

/** What an evaluated spec still asks for itself although rules drop it. */
export function remainingDependencies(
  { package: source }: Evaluation,
  { drop }: EffectiveRules,
): ForbiddenDependency[] {
  return droppedKinds
    .flatMap((kind) => dependenciesBy(source, kind, drop[kind]))
    .filter(({ place }) => place !== undefined);
}

/** Dependencies of a kind that rules name. */
function dependenciesBy(
  source: SourcePackage,
  kind: DroppedKind,
  rules: readonly CapabilityRule[],
): ForbiddenDependency[] {
  if (rules.length === 0) return [];
  const lists: readonly { packageName: string; dependencies: readonly SpecDependency[] }[] =
    kind === "buildRequires"
      ? [{ packageName: source.name, dependencies: source.buildRequires }]
      : source.packages.map((one) => ({ packageName: one.name, dependencies: one[kind] }));
  return lists.flatMap(({ packageName, dependencies }) =>
    dependencies.flatMap(({ requirement, text, place }) => {
      const rule = forbiddingRule(requirement, rules);
      if (rule === undefined) return [];
      return [{ packageName, kind, dependency: text, rule: ruleName(rule), place }];
    }),
  );
}

function forbiddingRule(
  requirement: Requirement,
  rules: readonly CapabilityRule[],
): CapabilityRule | undefined {
  if (requirement.kind === "simple") {
    return rules.find(({ matches }) => matches(requirement.capability));
  }
  for (const operand of requirement.operands) {
    const rule = forbiddingRule(operand, rules);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/**
 * Rules of profiles that found nothing in any of some specs; each profile counts once by its name.
 * What is for whatever there is, `*`, need not find anything.
 */
export function unmatchedRules(
  profiles: readonly Profile[],
  reports: readonly Pick<StripReport, "matched">[],
): Rule[] {
  const rules = new Map(
    profiles
      .flatMap((profile) => rulesOf(profile))
      .filter(({ match }) => match !== "*")
      .map((rule) => [ruleName(rule), rule]),
  );
  return idleRules(
    [...rules.values()],
    reports.flatMap(({ matched }) => [...matched]),
  );
}

/** Rules that found nothing, a line for each list of a profile: `slim: bcond: nothing found for icu`. */
export function describeUnmatched(rules: readonly Rule[]): string[] {
  const lists = Map.groupBy(rules, ({ profile, key }) => `${profile}: ${key}`);
  return [...lists].map(([list, found]) => {
    const entries = [...Map.groupBy(found, ({ entry }) => entry).values()].map(
      ([first, ...others]) =>
        others.length === 0
          ? first?.match
          : `${first?.match} (or ${others.length} other names of it)`,
    );
    return `${list}: nothing found for ${entries.join(", ")}`;
  });
}
