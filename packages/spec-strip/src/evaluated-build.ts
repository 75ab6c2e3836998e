import {
  CleanroomError,
  type Json,
  programMemory,
  type Sha256,
  sha256,
  sha256Json,
} from "@cleanroom/core";
import {
  type Capability,
  type Evaluation,
  type EvaluationOptions,
  macrosFromRecord,
  parseSpec,
  type SourcePackage,
  type SpecPackage,
  standardMacros,
  staticProvides,
} from "rpm-parser";
import { type Profile, type Rule, rulesOf } from "./profile/rule.ts";
import { significantText } from "./significant/significant-text.ts";
import { applyProfiles } from "./strip/apply-profiles.ts";
import type { StripReport } from "./strip/report.ts";

/** What builds, and the order of builds, need to know of an evaluated spec: most of it they do not. */
export interface BuildModel extends Pick<
  SourcePackage,
  | "name"
  | "version"
  | "release"
  | "sources"
  | "patches"
  | "buildRequires"
  | "buildConflicts"
  | "buildConditions"
> {
  readonly packages: readonly Pick<SpecPackage, "name" | "summary" | "requires">[];
  /** What the packages are known to provide without being built: {@link staticProvides}. */
  readonly provides: readonly Capability[];
  /** Whether its %check has anything to run. */
  readonly hasTests: boolean;
}

/** What a build takes from its spec. */
export interface EvaluatedBuild extends Pick<StripReport, "matched" | "forbidden"> {
  /** The spec's text as it is built: with its profiles applied, and what its stage switches. */
  readonly spec: string;
  readonly model: BuildModel;
  /** The part of the text that can influence what is built of it: {@link significantText}. */
  readonly significant: string;
}

/** A spec to be built in one way. */
export interface BuildText {
  readonly text: string;
  /** Its path, for messages. */
  readonly file: string;
  readonly profiles: readonly Profile[];
  /** What a stage switches besides. */
  readonly switches: readonly Profile[];
}

/**
 * {@link EvaluatedBuild} as it is remembered: rules by their place among those of its profiles, and no
 * text that is that of the spec.
 */
interface Remembered extends Omit<EvaluatedBuild, "matched" | "spec"> {
  readonly matched: readonly number[];
  readonly spec: string | undefined;
}

/** What builds are evaluated with. */
interface Surroundings {
  readonly evaluation: EvaluationOptions;
  readonly baseMacros: ReadonlySet<string>;
}

/** The rules of some profiles, in order, and the digest of all that they say. */
interface RuleList {
  readonly rules: readonly Rule[];
  readonly digest: Sha256;
}

function ruleList(profiles: readonly Profile[]): RuleList {
  const rules = profiles.flatMap((profile) => rulesOf(profile));
  // JSON leaves out the functions that are made of them.
  return { rules, digest: sha256(JSON.stringify(rules)) };
}

/** What builds are evaluated with, of a base: its macros, and RPM's name of the architecture. */
interface Base {
  readonly macros: Readonly<Record<string, string>>;
  readonly arch: string;
}

/** Evaluates builds with the macros of a base; what comes of the same text and profiles is remembered. */
export class BuildEvaluator {
  readonly #base: Base;
  readonly #baseDigest: Sha256;
  #surroundings: Surroundings | undefined;
  /** Most specs have the same profiles, of hundreds of rules. */
  readonly #ruleLists = new WeakMap<readonly Profile[], RuleList>();
  #evaluatedCount = 0;

  constructor(base: Base) {
    this.#base = base;
    this.#baseDigest = sha256Json({ macros: base.macros, arch: base.arch });
  }

  /** How many builds were not remembered. */
  get evaluatedCount(): number {
    return this.#evaluatedCount;
  }

  /** @throws {CleanroomError} `spec-invalid` with file:line:col */
  evaluate(build: BuildText): EvaluatedBuild {
    const lists = [this.#ruleListOf(build.profiles), this.#ruleListOf(build.switches)];
    const rules = lists.flatMap((list) => list.rules);
    const inputs = sha256Json({
      base: this.#baseDigest,
      text: sha256(build.text),
      file: build.file,
      rules: lists.map((list) => list.digest),
    });
    const known = programMemory.recall(inputs) as Remembered | undefined;
    if (known !== undefined) {
      const matched = known.matched.flatMap((index) => rules[index] ?? []);
      return { ...known, spec: known.spec ?? build.text, matched: new Set(matched) };
    }
    this.#evaluatedCount += 1;
    const evaluated = evaluateBuild(build, this.#surroundingsOfBuilds());
    const matched = rules.flatMap((rule, index) => (evaluated.matched.has(rule) ? [index] : []));
    const spec = evaluated.spec === build.text ? undefined : evaluated.spec;
    const remembered: Remembered = { ...evaluated, matched, spec };
    programMemory.remember(inputs, remembered as unknown as Json);
    return evaluated;
  }

  #surroundingsOfBuilds(): Surroundings {
    const { macros, arch } = this.#base;
    return (this.#surroundings ??= {
      evaluation: { macros: macrosFromRecord(macros, standardMacros()), target: arch },
      baseMacros: new Set(Object.keys(macros)),
    });
  }

  #ruleListOf(profiles: readonly Profile[]): RuleList {
    const list = this.#ruleLists.get(profiles) ?? ruleList(profiles);
    this.#ruleLists.set(profiles, list);
    return list;
  }
}

function evaluateBuild(
  { text, file, profiles, switches }: BuildText,
  { evaluation, baseMacros }: Surroundings,
): EvaluatedBuild {
  const stripped = applyProfiles(parseSpec(text, file), evaluation, [...profiles, ...switches]);
  checkEvaluation(stripped.original, undefined);
  checkEvaluation(stripped.evaluation, profiles);
  const { matched, forbidden } = stripped.report;
  return {
    spec: stripped.text,
    model: buildModel(stripped.evaluation.package),
    significant: significantText({ ...stripped, baseMacros }),
    matched,
    forbidden,
  };
}

function buildModel(source: SourcePackage): BuildModel {
  return {
    name: source.name,
    version: source.version,
    release: source.release,
    sources: source.sources,
    patches: source.patches,
    buildRequires: source.buildRequires,
    buildConflicts: source.buildConflicts,
    buildConditions: source.buildConditions,
    packages: source.packages.map(({ name, summary, requires }) => ({ name, summary, requires })),
    provides: staticProvides(source).map(
      ({ packageName: _package, text: _text, origin: _origin, ...capability }) => capability,
    ),
    hasTests: (source.buildScripts["check"] ?? "").trim() !== "",
  };
}

function checkEvaluation(
  { diagnostics }: Evaluation,
  profiles: readonly Profile[] | undefined,
): void {
  const error = diagnostics.find(({ severity }) => severity === "error");
  if (error === undefined) return;
  const { file } = error.place;
  throw new CleanroomError(
    "spec-invalid",
    profiles === undefined ? error.message : `once its profiles are applied: ${error.message}`,
    {
      // A line of the stripped text would lead astray in the spec as written.
      place: profiles === undefined || file === undefined ? error.place : { file },
      exitCode: 2,
      hint:
        profiles === undefined
          ? undefined
          : `./cleanroom spec strip ${profiles.map((one) => `--profile ${one.name}`).join(" ")} ${file ?? ""} shows the text`,
    },
  );
}
