import type { SpecLine } from "rpm-parser";
import { callEnd } from "../edit/masked-text.ts";
import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { BuildOptionRule, BuildSystem } from "../profile/rule.ts";
import { note } from "./build-conditions.ts";
import { configureCalls, optionForm } from "./option-forms.ts";
import type { SpecView } from "./spec-view.ts";

/** An option where a spec sets it. */
interface Occurrence {
  readonly start: number;
  readonly end: number;
  readonly line: SpecLine;
  /** Inside a macro call, such as `%{?with_x11:-Dx11=true}`: the condition, else undefined. */
  readonly condition: string | undefined;
}

/**
 * Edits that set options of the build system. An option that the spec sets is set otherwise where
 * it stands, in every branch. A rule for this one package also sets what the spec does not set, or
 * sets under a condition only: right after the call that configures.
 */
export function buildOptionEdits(view: SpecView, rules: EffectiveRules): TextEdit[] {
  const systems = (["meson", "cmake", "autotools"] as const).filter(
    (system) => rules.options[system].length > 0,
  );
  if (systems.length === 0) return [];
  const lines = view.tree.lines.filter((line) => mayConfigure(view, line));
  return systems.flatMap((system) => {
    const added: BuildOptionRule[] = [];
    const edits = rules.options[system].flatMap((rule) => {
      const found = optionEdits(view, lines, system, rule);
      if (found.isMissing) added.push(rule);
      return found.edits;
    });
    return [...edits, ...additions(view, lines, system, added)];
  });
}

function mayConfigure({ tree }: SpecView, { content, section }: SpecLine): boolean {
  if (content.kind === "definition") return true;
  if (content.kind === "comment") return false;
  return /^(?:build|conf|install|check)$/.test(tree.sections[section]?.name ?? "");
}

function optionEdits(
  view: SpecView,
  lines: readonly SpecLine[],
  system: BuildSystem,
  rule: BuildOptionRule,
): { readonly edits: TextEdit[]; readonly isMissing: boolean } {
  const { pattern, wanted } = optionForm(system, rule);
  const occurrences = lines.flatMap((line) => occurrencesIn(view, line, pattern));
  const edits = occurrences.map((one): TextEdit => {
    const { start, end } = one;
    const before = view.text.slice(start, end);
    if (wanted === undefined) {
      const what = `take out the option ${before}`;
      return { ...withSpace(view.text, start, end), text: "", rules: [rule], what };
    }
    if (before === wanted) return note(one, rule);
    return { start, end, text: wanted, rules: [rule], what: `set ${wanted} for ${before}` };
  });
  const isSet = occurrences.some(
    ({ condition, line }) => condition === undefined && line.branch < 0,
  );
  return {
    edits,
    isMissing:
      rule.package !== undefined && wanted !== undefined && !isSet && !isPaired(view, occurrences),
  };
}

function occurrencesIn({ text }: SpecView, line: SpecLine, pattern: RegExp): Occurrence[] {
  const raw = text.slice(line.span.start, line.span.end);
  if (!raw.includes("-")) return [];
  return [...raw.matchAll(pattern)].map((found) => {
    const hasValue = found[0].endsWith("=");
    const end = hasValue
      ? valueEnd(raw, found.index + found[0].length)
      : found.index + found[0].length;
    return {
      start: line.span.start + found.index,
      end: line.span.start + end,
      line,
      condition: conditionAround(raw, found.index),
    };
  });
}

/** The end of an option's value: a word of the shell, macro calls and quotes in it whole. */
function valueEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === "%") at = Math.max(callEnd(text, at), at + 1);
    else if (character === '"' || character === "'") {
      const close = text.indexOf(character, at + 1);
      // A quote that was opened before the option ends it.
      if (close < 0 || text.slice(at, close).includes("\n")) return at;
      at = close + 1;
    } else if (/[\s}\\;|&)]/.test(character)) return at;
    else at += 1;
  }
  return at;
}

/** The condition of the innermost conditional macro call around an offset. */
function conditionAround(text: string, offset: number): string | undefined {
  let found: string | undefined;
  for (let at = text.indexOf("%"); at >= 0 && at < offset; at = text.indexOf("%", at)) {
    const end = callEnd(text, at);
    const [head] = /^%\{[!?]+\w+:/.exec(text.slice(at, at + 120)) ?? [];
    if (head !== undefined && end > offset) {
      found = head.slice(2, -1);
      at += head.length;
    } else at = Math.max(end, at + 1);
  }
  return found;
}

/** Whether an option is set whichever way a condition goes: `%{?a:-Dx=1}%{!?a:-Dx=0}`. */
function isPaired({ tree }: SpecView, occurrences: readonly Occurrence[]): boolean {
  const unbranched = occurrences.filter(({ line }) => line.branch < 0);
  const conditions = new Set(unbranched.map(({ condition }) => condition));
  if ([...conditions].some((one) => one?.startsWith("?") === true && conditions.has(`!${one}`))) {
    return true;
  }
  const branches = new Set(
    occurrences.filter(({ condition }) => condition === undefined).map(({ line }) => line.branch),
  );
  return tree.conditionals.some(
    (conditional) =>
      conditional.branches.some((branch) => tree.branches[branch]?.keyword === "else") &&
      conditional.branches.every(
        (branch) => branches.has(branch) && tree.branches[branch]?.parent === -1,
      ),
  );
}

/** An option with the white space before it, and with its line where it has one for itself. */
function withSpace(text: string, start: number, end: number): { start: number; end: number } {
  let first = start;
  while (first > 0 && /[ \t]/.test(text.charAt(first - 1))) first -= 1;
  const continued = /^[ \t]*\\\n/.exec(text.slice(end));
  if (continued !== null && text[first - 1] === "\n") {
    return { start: first, end: end + continued[0].length };
  }
  const isLast = /^[ \t]*(?:\n|$)/.test(text.slice(end));
  const before = /[ \t]*\\\n$/.exec(text.slice(0, first));
  if (isLast && before !== null) return { start: first - before[0].length, end };
  return { start: first, end };
}

/** One edit for each call that configures, with all that is to be added to it. */
function additions(
  view: SpecView,
  lines: readonly SpecLine[],
  system: BuildSystem,
  rules: readonly BuildOptionRule[],
): TextEdit[] {
  if (rules.length === 0) return [];
  const words = rules.flatMap((rule) => optionForm(system, rule).wanted ?? []).toSorted();
  return lines.flatMap(({ content, span }) => {
    if (content.kind === "definition") return [];
    const raw = view.text.slice(span.start, span.end);
    return [...raw.matchAll(configureCalls[system])].flatMap((found): TextEdit[] => {
      const at = span.start + found.index + found[0].length;
      const missing = words.filter(
        (word) => !` ${raw.replaceAll(/\s+/g, " ")} `.includes(` ${word} `),
      );
      if (missing.length === 0) return rules.map((rule) => note({ start: at }, rule));
      const what = `add ${missing.join(" ")}`;
      return [{ start: at, end: at, text: ` ${missing.join(" ")}`, rules, what }];
    });
  });
}
