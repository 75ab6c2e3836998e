import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { SpecView } from "./spec-view.ts";

/**
 * Edits that switch build conditions where the spec declares them: the default of `%bcond`, the
 * other of `%bcond_with` and `%bcond_without`, and the body of `%global with_x 1`. Editing the
 * declaration leaves `--with` and `--without` their meaning, and rpmbuild needs no word of it.
 */
export function buildConditionEdits(view: SpecView, rules: EffectiveRules): TextEdit[] {
  if (rules.buildConditions.length === 0) return [];
  const byName = new Map(rules.buildConditions.map((rule) => [rule.match, rule]));
  return view.tree.lines.flatMap(({ content, span }): TextEdit[] => {
    if (content.kind !== "definition" || content.keyword === "undefine") return [];
    const { keyword, name, bodySpan, nameSpan } = content;
    const isMacro = keyword === "define" || keyword === "global";
    const rule = byName.get(isMacro ? name.replace(/^with_/, "") : name);
    if (rule === undefined || (isMacro && !name.startsWith("with_"))) return [];
    const what = `switch ${rule.match} ${rule.isOn ? "on" : "off"}`;
    if (keyword === "bcond_with" || keyword === "bcond_without") {
      const wanted = rule.isOn ? "bcond_without" : "bcond_with";
      const start = view.text.lastIndexOf(keyword, nameSpan.start);
      if (keyword === wanted || start < span.start) return [note(span, rule)];
      return [{ start, end: start + keyword.length, text: wanted, rules: [rule], what }];
    }
    const wanted = rule.isOn ? "1" : "0";
    if (view.text.slice(bodySpan.start, bodySpan.end) === wanted) return [note(span, rule)];
    return [{ ...bodySpan, text: wanted, rules: [rule], what }];
  });
}

/** An edit that changes nothing: the rule found what it wants already there. */
export function note(
  { start }: { readonly start: number },
  rule: TextEdit["rules"][number],
): TextEdit {
  return { start, end: start, text: "", rules: [rule], what: "" };
}
