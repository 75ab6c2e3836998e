import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { MacroRule } from "../profile/rule.ts";
import { note } from "./build-conditions.ts";
import type { SpecView } from "./spec-view.ts";

/**
 * Edits that define macros: in place of what the spec says of them, wherever it does, and else in
 * front of its first line.
 */
export function macroEdits(view: SpecView, { macros }: EffectiveRules): TextEdit[] {
  const byName = new Map(macros.map((rule) => [rule.match, rule]));
  const missing = new Map(byName);
  const edits: TextEdit[] = [];
  for (const { content, branch } of view.tree.lines) {
    if (content.kind !== "definition") continue;
    const { keyword, name, bodySpan } = content;
    const rule = byName.get(name);
    if (rule === undefined || (keyword !== "define" && keyword !== "global")) continue;
    // What only one branch defines, the others have still to be told.
    if (branch === -1) missing.delete(name);
    edits.push(
      view.text.slice(bodySpan.start, bodySpan.end) === rule.body
        ? note(bodySpan, rule)
        : { ...bodySpan, text: rule.body, rules: [rule], what: `define %${name}` },
    );
  }
  const first = [...missing.values()].toSorted((a, b) => (a.match < b.match ? -1 : 1));
  return first.length === 0 ? edits : [firstLines(first), ...edits];
}

function firstLines(rules: readonly MacroRule[]): TextEdit {
  return {
    start: 0,
    end: 0,
    text: rules.map(({ match, body }) => `%global ${match} ${body}\n`).join(""),
    rules,
    what: `define ${rules.map(({ match }) => `%${match}`).join(", ")}`,
  };
}
