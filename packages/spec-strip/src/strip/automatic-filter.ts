import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { Rule } from "../profile/rule.ts";
import { note } from "./build-conditions.ts";
import type { SpecView } from "./spec-view.ts";

/**
 * Edits that keep rpm's generators from writing dependencies: `__requires_exclude` and
 * `__provides_exclude`, merged with what the spec and the macro files say (rpm's
 * `docs/manual/dependency_generators.md`).
 */
export function automaticFilterEdits(view: SpecView, rules: EffectiveRules): TextEdit[] {
  return [
    ...filterEdits(view, "__requires_exclude", rules.autoRequires),
    ...filterEdits(view, "__provides_exclude", rules.autoProvides),
  ];
}

function filterEdits(view: SpecView, macro: string, rules: readonly Rule[]): TextEdit[] {
  if (rules.length === 0) return [];
  // In an order of their own: that of the rules does not show.
  const expressions = [...new Set(rules.map(({ match }) => globExpression(match)))].toSorted();
  const wanted = `^(${expressions.join("|")})$`;
  const what = `filter with ${macro}: ${rules.map(({ match }) => match).join(", ")}`;
  const edits: TextEdit[] = [];
  let isDefined = false;
  for (const { content, branch } of view.tree.lines) {
    if (content.kind !== "definition" || content.name !== macro) continue;
    const { bodySpan } = content;
    const body = view.text.slice(bodySpan.start, bodySpan.end);
    if (branch === -1) isDefined = true;
    edits.push(
      ...(body.includes(wanted)
        ? rules.map((rule) => note(bodySpan, rule))
        : [{ start: bodySpan.end, end: bodySpan.end, text: `|${wanted}`, rules, what }]),
    );
  }
  if (isDefined) return edits;
  // The first line: what the spec defines later in a branch takes the place of it there.
  const text = `%global ${macro} %{?${macro}:%{${macro}}|}${wanted}\n`;
  return [...edits, { start: 0, end: 0, text, rules, what }];
}

/**
 * A glob as an extended regular expression. Characters stand in brackets, not behind backslashes,
 * which macro expansion would take away.
 */
function globExpression(glob: string): string {
  return glob
    .split("*")
    .map((part) => part.replaceAll(/[.+?(){}|[\]$]/g, "[$&]").replaceAll("[[]", "[[]"))
    .join(".*");
}
