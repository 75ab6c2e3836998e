import {
  CleanroomError,
  type Json,
  programMemory,
  type Sha256,
  sha256,
  sha256Json,
} from "@cleanroom/core";
import {
  type Evaluation,
  type EvaluationOptions,
  macrosFromRecord,
  parseSpec,
  type SourcePackage,
  standardMacros,
} from "rpm-parser";
import { type Profile, type Rule, rulesOf } from "./profile/rule.ts";
import { significantText } from "./significant/significant-text.ts";
import { applyProfiles } from "./strip/apply-profiles.ts";
import type { StripReport } from "./strip/report.ts";

/** What a build takes from its spec. */
export interface EvaluatedBuild extends Pick<StripReport, "matched" | "forbidden"> {
  /** The spec's text as it is built: with its profiles applied, and what its stage switches. */
  readonly spec: string;
  readonly model: SourcePackage;
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

/** @throws {CleanroomError} `spec-invalid` with file:line:col */
export type BuildEvaluator = (build: BuildText) => EvaluatedBuild;

/** {@link EvaluatedBuild} as it is remembered: rules by their place among those of its profiles. */
interface Remembered extends Omit<EvaluatedBuild, "matched"> {
  readonly matched: readonly number[];
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

/**
 * Evaluates builds with the macros of a base; what comes of the same text and profiles is remembered.
 *
 * @param base its macros, and RPM's name of the architecture
 */
export function buildEvaluator(base: {
  readonly macros: Readonly<Record<string, string>>;
  readonly arch: string;
}): BuildEvaluator {
  const baseDigest = sha256Json({ macros: base.macros, arch: base.arch });
  let made: Surroundings | undefined;
  const surroundings = (): Surroundings =>
    (made ??= {
      evaluation: {
        macros: macrosFromRecord(base.macros, standardMacros()),
        target: base.arch,
      },
      baseMacros: new Set(Object.keys(base.macros)),
    });
  // Most specs have the same profiles, of hundreds of rules.
  const ruleLists = new WeakMap<readonly Profile[], RuleList>();
  const ruleListOf = (profiles: readonly Profile[]): RuleList => {
    const list = ruleLists.get(profiles) ?? ruleList(profiles);
    ruleLists.set(profiles, list);
    return list;
  };
  return (build) => {
    const lists = [ruleListOf(build.profiles), ruleListOf(build.switches)];
    const rules = lists.flatMap((list) => list.rules);
    const inputs = sha256Json({
      base: baseDigest,
      text: sha256(build.text),
      file: build.file,
      rules: lists.map((list) => list.digest),
    });
    const known = programMemory.recall(inputs) as Remembered | undefined;
    if (known !== undefined) {
      const matched = known.matched.flatMap((index) => rules[index] ?? []);
      return { ...known, matched: new Set(matched) };
    }
    const evaluated = evaluateBuild(build, surroundings());
    const matched = rules.flatMap((rule, index) => (evaluated.matched.has(rule) ? [index] : []));
    const remembered: Remembered = { ...evaluated, matched };
    programMemory.remember(inputs, remembered as unknown as Json);
    return evaluated;
  };
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
    model: stripped.evaluation.package,
    significant: significantText({ ...stripped, baseMacros }),
    matched,
    forbidden,
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
