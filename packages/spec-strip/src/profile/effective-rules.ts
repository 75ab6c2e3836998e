import {
  type BuildConditionRule,
  type BuildOptionRule,
  type BuildSystem,
  type CapabilityRule,
  type DroppedKind,
  droppedKinds,
  type LanguageRule,
  type MacroRule,
  type NameRule,
  type Profile,
  type Rule,
  type RuleSet,
} from "./rule.ts";

/** All that some profiles, in their order, want of one spec. */
export interface EffectiveRules {
  readonly forbid: readonly CapabilityRule[];
  readonly drop: Readonly<Record<DroppedKind, readonly CapabilityRule[]>>;
  readonly subpackages: readonly NameRule[];
  readonly scriptlets: readonly NameRule[];
  readonly autoRequires: readonly Rule[];
  readonly autoProvides: readonly Rule[];
  readonly files: readonly Rule[];
  readonly languages: readonly LanguageRule[];
  /** Of several rules for one name, the last one. */
  readonly buildConditions: readonly BuildConditionRule[];
  /** The same of macros. */
  readonly macros: readonly MacroRule[];
  readonly options: Readonly<Record<BuildSystem, readonly BuildOptionRule[]>>;
  /** Rules that a later one for the same name stands in for. */
  readonly overruled: readonly Rule[];
}

/**
 * The rules of profiles for one spec: what drops adds up, and of what is set the last one counts,
 * a rule for one package before a rule for all.
 */
export function effectiveRules(profiles: readonly Profile[], packageName: string): EffectiveRules {
  const own = profiles.flatMap(({ packages }) => packages.get(packageName) ?? []);
  const sets = [...profiles.map(({ everywhere }) => everywhere), ...own];
  const all = <T>(of: (set: RuleSet) => readonly T[]): T[] => sets.flatMap((set) => of(set));
  const overruled: Rule[] = [];
  const last = <T extends Rule>(rules: readonly T[], nameOf: (rule: T) => string): T[] => {
    const byName = new Map<string, T>();
    for (const rule of rules) {
      const before = byName.get(nameOf(rule));
      if (before !== undefined) overruled.push(before);
      byName.set(nameOf(rule), rule);
    }
    return [...byName.values()];
  };
  const options = (system: BuildSystem): BuildOptionRule[] =>
    last(
      all((set) => set.options[system]),
      ({ match }) => match.replaceAll("_", "-"),
    );
  return {
    forbid: profiles.flatMap(({ forbid }) => forbid),
    drop: Object.fromEntries(
      droppedKinds.map((kind) => [kind, all((set) => set.drop[kind])]),
    ) as Record<DroppedKind, CapabilityRule[]>,
    subpackages: all((set) => set.subpackages),
    scriptlets: all((set) => set.scriptlets),
    autoRequires: all((set) => set.autoRequires),
    autoProvides: all((set) => set.autoProvides),
    files: all((set) => set.files),
    languages: all((set) => set.languages),
    buildConditions: last(
      all((set) => set.buildConditions),
      ({ match }) => match,
    ),
    macros: last(
      all((set) => set.macros),
      ({ match }) => match,
    ),
    options: { meson: options("meson"), cmake: options("cmake"), autotools: options("autotools") },
    overruled,
  };
}
