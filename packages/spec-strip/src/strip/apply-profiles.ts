import {
  type Evaluation,
  type EvaluationOptions,
  evaluateSpec,
  parseSpec,
  printSpecText,
  type SpecTree,
} from "rpm-parser";
import { type Revision, revise, type TextEdit } from "../edit/text-edit.ts";
import { type EffectiveRules, effectiveRules } from "../profile/effective-rules.ts";
import { idleRules, type Profile, type Rule, ruleName, rulesOf } from "../profile/rule.ts";
import { automaticFilterEdits } from "./automatic-filter.ts";
import { buildConditionEdits } from "./build-conditions.ts";
import { buildOptionEdits } from "./build-options.ts";
import { dependencyEdits } from "./dependencies.ts";
import { languageEdits } from "./languages.ts";
import { macroEdits } from "./macros.ts";
import { fileEdits } from "./removed-files.ts";
import {
  forbiddenDependencies,
  remainingDependencies,
  type StripEdit,
  type StripReport,
} from "./report.ts";
import { type SpecView, viewSpec } from "./spec-view.ts";
import { droppedSubpackages, scriptletEdits, subpackageEdits } from "./subpackages.ts";

/** A spec without what some profiles do not want. */
export interface StrippedSpec {
  readonly text: string;
  readonly tree: SpecTree;
  /** What the text came to before. */
  readonly original: Evaluation;
  /** What the stripped text comes to. */
  readonly evaluation: Evaluation;
  readonly report: StripReport;
}

/** One edit can bring another: what a macro made becomes text, which the next look takes apart. */
const roundsMax = 4;

/**
 * Applies profiles to a spec. Pure: the same text, options and profiles give the same result, and
 * applying them to the result changes nothing. Every byte that no rule touches stays as it is.
 *
 * @param options what the spec is evaluated with; conditions decide nothing here, for rules reach
 *   into every branch, but macros in dependencies are expanded with them.
 * @param name whose rules under `packages` count; the spec's Name when absent
 */
export function applyProfiles(
  tree: SpecTree,
  options: EvaluationOptions,
  profiles: readonly Profile[],
  name?: string,
): StrippedSpec {
  const original = evaluateSpec(tree, options);
  const ownName = name ?? original.package.name;
  const rules = effectiveRules(profiles, ownName);
  const matched = new Set<Rule>();
  const revisions: Revision[] = [];
  let current = { tree, evaluation: original };
  for (let round = 0; round < roundsMax && profiles.length > 0; round += 1) {
    const edits = editsOf(viewSpec(current.tree, current.evaluation), rules);
    for (const edit of edits) for (const rule of edit.rules) matched.add(rule);
    const changes = edits.filter(({ start, end, text }) => start !== end || text !== "");
    if (changes.length === 0) break;
    const revision = revise(printSpecText(current.tree), changes);
    revisions.push(revision);
    const revised = parseSpec(encoded(revision.text, tree), tree.source.file);
    current = { tree: revised, evaluation: evaluateSpec(revised, options) };
  }
  for (const rule of rules.overruled) matched.add(rule);
  return {
    text: current.tree.source.text,
    original,
    tree: current.tree,
    evaluation: current.evaluation,
    report: {
      edits: describeEdits(tree, current.tree, revisions),
      matched,
      unmatched: idleRules(
        profiles.flatMap((profile) => rulesOf(profile)).filter((rule) => rule.package === ownName),
        matched,
      ),
      forbidden: forbiddenDependencies(current.evaluation, rules),
      remaining: remainingDependencies(current.evaluation, rules),
    },
  };
}

function editsOf(view: SpecView, rules: EffectiveRules): TextEdit[] {
  const dropped = droppedSubpackages(view, rules);
  const dependencies = dependencyEdits(view, rules, dropped);
  return [
    ...subpackageEdits(view, dropped, dependencies),
    ...scriptletEdits(view, rules),
    ...dependencies,
    ...fileEdits(view, rules, dropped),
    ...languageEdits(view, rules, dropped),
    ...buildConditionEdits(view, rules),
    ...macroEdits(view, rules),
    ...buildOptionEdits(view, rules),
    ...automaticFilterEdits(view, rules),
  ];
}

/** Text in the encoding of a tree, so that printing the new tree gives bytes of the same kind. */
function encoded(text: string, { source }: SpecTree): string | Uint8Array {
  if (source.encoding === "text") return text;
  return Buffer.from(text, source.encoding === "latin1" ? "latin1" : "utf8");
}

/** The edits of all rounds with their places in the first text and in the last. */
function describeEdits(
  first: SpecTree,
  last: SpecTree,
  revisions: readonly Revision[],
): StripEdit[] {
  let text = first.source.text;
  return revisions.flatMap((revision, round) => {
    const old = text;
    text = revision.text;
    const earlier = revisions.slice(0, round).toReversed();
    const later = revisions.slice(round + 1);
    return revision.made.map((edit): StripEdit => {
      const before = earlier.reduce((offset, one) => one.before(offset), edit.start);
      const after = later.reduce((offset, one) => one.after(offset), edit.newStart);
      return {
        what: edit.what,
        rules: edit.rules.map((rule) => ruleName(rule)).filter(isFirst),
        reason: edit.rules
          .map(({ because }) => because)
          .filter(isFirst)
          .join("; "),
        before: { ...first.source.place(before), text: old.slice(edit.start, edit.end) },
        after: { ...last.source.place(after), text: edit.text },
      };
    });
  });
}

function isFirst<T>(one: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(one) === index;
}
