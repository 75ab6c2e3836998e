import { type Json, nameMatcher, type Sha256, sha256Json } from "@cleanroom/core";
import { type Capability, capabilityMatches, type Operator } from "rpm-parser";
import type { OptionValue, PackageRules, ProfileFile, ProfilePattern } from "./profile-file.ts";

/** Dependency tags that a profile can drop, by their key under `drop`. */
export const droppedKinds = [
  "buildRequires",
  "requires",
  "recommends",
  "suggests",
  "supplements",
  "enhances",
] as const;

export type DroppedKind = (typeof droppedKinds)[number];

export type BuildSystem = "meson" | "cmake" | "autotools";

/** One line of a profile. Two rules are the same when they are the same object. */
export interface Rule {
  readonly profile: string;
  /** Where it stands in the profile: `drop.buildRequires`, `packages.gtk3.meson`. */
  readonly key: string;
  /** The pattern, or the name of what is set. */
  readonly match: string;
  /** The spec that the rule is for; undefined when it is for all. */
  readonly package: string | undefined;
  /** Why, in the profile's words. */
  readonly because: string;
  /** Equal for patterns of one entry: names of one thing, of which one may be found for all. */
  readonly entry: string;
}

/** A rule that looks for capabilities. */
export interface CapabilityRule extends Rule {
  readonly matches: (capability: Capability) => boolean;
}

/** A rule that looks for names or paths. */
export interface NameRule extends Rule {
  readonly matches: (name: string) => boolean;
}

export interface BuildConditionRule extends Rule {
  readonly isOn: boolean;
}

/** A rule that has translations marked with their language. */
export interface LanguageRule extends Rule {
  /** Their name; undefined for those that the spec lists. */
  readonly domain: string | undefined;
}

export interface BuildOptionRule extends Rule {
  readonly value: OptionValue;
}

export interface MacroRule extends Rule {
  readonly body: string;
}

/** The rules of a profile, for every spec or for one. */
export interface RuleSet {
  readonly drop: Readonly<Record<DroppedKind, readonly CapabilityRule[]>>;
  readonly subpackages: readonly NameRule[];
  readonly scriptlets: readonly NameRule[];
  readonly autoRequires: readonly Rule[];
  readonly autoProvides: readonly Rule[];
  /** Patterns may hold macros, so they are matched only once a spec's macros are known. */
  readonly files: readonly Rule[];
  readonly languages: readonly LanguageRule[];
  readonly buildConditions: readonly BuildConditionRule[];
  readonly macros: readonly MacroRule[];
  readonly options: Readonly<Record<BuildSystem, readonly BuildOptionRule[]>>;
}

/** A profile, ready to be applied. */
export interface Profile {
  readonly name: string;
  readonly description: string;
  readonly forbid: readonly CapabilityRule[];
  readonly everywhere: RuleSet;
  readonly packages: ReadonlyMap<string, RuleSet>;
}

/** How a rule is named in reports: `no-x11: drop.buildRequires: pkgconfig(x11)`. */
export function ruleName({ profile, key, match }: Rule): string {
  return `${profile}: ${key}: ${match}`;
}

/** Every rule of a profile that does something to a spec. */
export function rulesOf({ everywhere, packages }: Profile): Rule[] {
  return [everywhere, ...packages.values()].flatMap((set) => [
    // A rule for every kind of dependency is one rule.
    ...new Set(Object.values(set.drop).flat()),
    ...set.subpackages,
    ...set.scriptlets,
    ...set.autoRequires,
    ...set.autoProvides,
    ...set.files,
    ...set.languages,
    ...set.buildConditions,
    ...set.macros,
    ...Object.values(set.options).flat(),
  ]);
}

/** A digest over all that profiles do to a spec, in their order; reasons and names do not count. */
export function profilesDigest(profiles: readonly Profile[]): Sha256 {
  return sha256Json(
    profiles.flatMap((profile) =>
      rulesOf(profile).map((rule) => {
        const { profile: _name, because: _reason, entry: _entry, ...rest } = rule;
        // What a rule matches with is made of its pattern.
        return JSON.parse(JSON.stringify(rest)) as Json;
      }),
    ),
  );
}

/** Globs of the plain names, without a version, that profiles drop from every spec's Requires. */
export function droppedNames(profiles: readonly Profile[]): string[] {
  return profiles.flatMap(({ everywhere }) =>
    everywhere.drop.requires.flatMap(({ match }) => (/[\s()]/.test(match) ? [] : [match])),
  );
}

/** Rules that found nothing, and no other name of the same thing did. */
export function idleRules(rules: readonly Rule[], matched: Iterable<Rule>): Rule[] {
  const found = new Set([...matched].map(({ entry }) => entry));
  return rules.filter(({ entry }) => !found.has(entry));
}

/** Makes the rules of a profile's file. */
export function profileFromFile(name: string, file: ProfileFile): Profile {
  const { description } = file;
  const make = (rules: PackageRules, packageName: string | undefined): RuleSet =>
    ruleSet(rules, { name, description, packageName });
  return {
    name,
    description,
    forbid: file.forbid.flatMap((pattern) =>
      patternRules(pattern, "forbid", { name, description, packageName: undefined }).map((rule) =>
        capabilityRule(rule),
      ),
    ),
    everywhere: make(file, undefined),
    packages: new Map(
      Object.entries(file.packages).map(([packageName, rules]) => [
        packageName,
        make(rules, packageName),
      ]),
    ),
  };
}

interface Origin {
  readonly name: string;
  readonly description: string;
  readonly packageName: string | undefined;
}

function ruleSet(rules: PackageRules, origin: Origin): RuleSet {
  const patterns = (list: readonly ProfilePattern[], key: string): Rule[] =>
    list.flatMap((pattern) => patternRules(pattern, key, origin));
  const named = <T>(record: Readonly<Record<string, T>>, key: string): (Rule & { value: T })[] =>
    Object.entries(record).flatMap(([match, value]) =>
      patternRules(match, key, origin).map((rule) => ({ ...rule, value })),
    );
  const { drop, filter, findLang } = rules;
  const capabilities = (list: readonly ProfilePattern[], key: string): CapabilityRule[] =>
    patterns(list, key).map((rule) => capabilityRule(rule));
  const ofEveryKind = capabilities(drop.dependencies, "drop.dependencies");
  return {
    drop: Object.fromEntries(
      droppedKinds.map((kind) => [
        kind,
        [...ofEveryKind, ...capabilities(drop[kind], `drop.${kind}`)],
      ]),
    ) as Record<DroppedKind, CapabilityRule[]>,
    subpackages: patterns(drop.subpackages, "drop.subpackages").map((rule) => nameRule(rule)),
    scriptlets: patterns(drop.scriptlets, "drop.scriptlets").map((rule) => nameRule(rule)),
    autoRequires: patterns(filter.autoRequires, "filter.autoRequires"),
    autoProvides: patterns(filter.autoProvides, "filter.autoProvides"),
    files: patterns(filter.files, "filter.files"),
    languages:
      findLang === false
        ? []
        : patternRules(findLang === true ? "*" : findLang, "findLang", origin).map((rule) => ({
            ...rule,
            domain: findLang === true ? undefined : findLang,
          })),
    buildConditions: named(rules.bcond, "bcond").map(({ value, ...rule }) => ({
      ...rule,
      isOn: value === true || value === "on",
    })),
    macros: named(rules.macros, "macros").map(({ value: body, ...rule }) => ({ ...rule, body })),
    options: {
      meson: named(rules.meson, "meson"),
      cmake: named(rules.cmake, "cmake"),
      autotools: named(rules.autotools, "autotools"),
    },
  };
}

function patternRules(
  pattern: ProfilePattern,
  key: string,
  { name, description, packageName }: Origin,
): Rule[] {
  const { match, because } =
    typeof pattern === "string" ? { match: pattern, because: description } : pattern;
  const matches = [match].flat();
  const fullKey = packageName === undefined ? key : `packages.${packageName}.${key}`;
  const entry = [name, fullKey, ...matches].join("\0");
  return matches.map((one) => ({
    profile: name,
    key: fullKey,
    match: one,
    package: packageName,
    because,
    entry,
  }));
}

function nameRule(rule: Rule): NameRule {
  return { ...rule, matches: nameMatcher([rule.match]) };
}

const versioned = /^(\S.*?)\s+(<=|>=|<|>|=)\s+(\S+)$/;
/** What `%{?_isa}` adds to a name: `(x86-64)`. */
const isaSuffix = /\([a-z]+[a-z0-9]*-(?:32|64)\)$/;

/** A rule for the capabilities of a pattern; with a version, for those whose ranges overlap. */
function capabilityRule(rule: Rule): CapabilityRule {
  const [, glob = rule.match, operator, evr] = versioned.exec(rule.match) ?? [];
  const matchesName = nameMatcher([glob]);
  return {
    ...rule,
    matches: (capability) => {
      const { name } = capability;
      // Of all specs' dependencies, few end so: the search for it would be most of the work.
      const bare = name.endsWith("4)") || name.endsWith("2)") ? name.replace(isaSuffix, "") : name;
      if (!matchesName(name) && (bare === name || !matchesName(bare))) return false;
      if (operator === undefined || evr === undefined) return true;
      const wanted = { name, operator: operator as Operator, evr };
      return capability.operator !== undefined && capabilityMatches(capability, wanted);
    },
  };
}
