import type { SpecLine } from "rpm-parser";
import { revise, type TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { NameRule, Rule } from "../profile/rule.ts";
import type { PackageSection, SpecView } from "./spec-view.ts";

/** Tags that say something of the whole spec, whatever section they stand in. */
const specWide =
  /^(?:source\d*|patch\d*|buildrequires|buildprereq|buildconflicts|exclusivearch|excludearch|exclusiveos|excludeos|nosource|nopatch)$/i;

/** The subpackages that go, each with the rule that wants it. */
export function droppedSubpackages(
  { evaluation, packageSections }: SpecView,
  { subpackages }: EffectiveRules,
): Map<string, NameRule> {
  const found = new Map<string, NameRule>();
  if (subpackages.length === 0) return found;
  for (const { section, packageName } of packageSections) {
    if (section.name !== "package" || packageName === evaluation.package.name) continue;
    const rule = subpackages.find(({ matches }) => matches(packageName));
    if (rule !== undefined) found.set(packageName, rule);
  }
  return found;
}

/**
 * Edits that take out every section of dropped subpackages.
 *
 * @param others edits of lines, which a line that only moves takes along
 */
export function subpackageEdits(
  view: SpecView,
  dropped: ReadonlyMap<string, NameRule>,
  others: readonly TextEdit[],
): TextEdit[] {
  return view.packageSections.flatMap((one) => {
    const rule = dropped.get(one.packageName);
    if (rule === undefined) return [];
    const what = `drop the %${one.section.name} of ${one.packageName}`;
    return sectionEdits(view, one, [rule], what, others);
  });
}

/** Edits that take out scriptlets and triggers. */
export function scriptletEdits(view: SpecView, { scriptlets }: EffectiveRules): TextEdit[] {
  if (scriptlets.length === 0) return [];
  return view.packageSections.flatMap((one) => {
    const { name } = one.section;
    if (name === "package" || name === "description" || name === "files") return [];
    const rule = scriptlets.find(
      ({ matches }) => matches(name) || matches(`${one.packageName}:${name}`),
    );
    if (rule === undefined) return [];
    return sectionEdits(view, one, [rule], `drop the %${name} of ${one.packageName}`, []);
  });
}

/**
 * Takes a section out: its header and its lines. What stays is what others need: macro definitions,
 * conditions that reach beyond the section, and what stands behind the end of the branch that the
 * header is in. Tags that are about the whole spec move up to where the preamble ends.
 */
function sectionEdits(
  view: SpecView,
  { section, header }: PackageSection,
  rules: readonly Rule[],
  what: string,
  others: readonly TextEdit[],
): TextEdit[] {
  const { tree, text } = view;
  const lines = tree.lines.slice(section.firstLine, section.endLine);
  const edits: TextEdit[] = [];
  const moved: string[] = [];
  const remove = ({ span }: SpecLine): void => {
    const last = edits.at(-1);
    if (last?.end === span.start) edits[edits.length - 1] = { ...last, end: span.end };
    else edits.push({ ...span, text: "", rules, what });
  };
  remove(header);
  for (const line of lines) {
    const { content } = line;
    if (content.kind === "definition" || content.kind === "include") continue;
    if (content.kind === "condition" && !isInside(view, line, section.firstLine, section.endLine)) {
      continue;
    }
    if (!isUnder(view, line.branch, header.branch)) continue;
    if (content.kind === "tag" && specWide.test(content.name)) {
      const kept = editedLine(text, line, others);
      if (kept !== "") moved.push(underConditions(view, line, kept));
    }
    remove(line);
  }
  if (moved.length > 0) {
    const at = preambleEnd(view);
    edits.push({ start: at, end: at, text: moved.join(""), rules, what: `${what}: keep its tags` });
  }
  return edits;
}

/** Whether the whole conditional that a condition line is part of lies between two lines. */
function isInside({ tree }: SpecView, line: SpecLine, first: number, end: number): boolean {
  const conditional = tree.conditionals.find(
    ({ branches, endLine }) =>
      endLine === line.index ||
      branches.some((branch) => tree.branches[branch]?.headerLine === line.index),
  );
  if (conditional?.endLine === undefined) return false;
  const [firstBranch = -1] = conditional.branches;
  const start = tree.branches[firstBranch]?.headerLine ?? -1;
  return start >= first && conditional.endLine < end;
}

function isUnder({ tree }: SpecView, branch: number, ancestor: number): boolean {
  for (let at = branch; ; at = tree.branches[at]?.parent ?? -1) {
    if (at === ancestor) return true;
    if (at < 0) return false;
  }
}

/** The text of a line after the edits that are in it. */
function editedLine(text: string, { span }: SpecLine, others: readonly TextEdit[]): string {
  const { start, end } = span;
  const inside = others.filter((edit) => edit.start >= start && edit.end <= end);
  const moved = inside.map((edit) => ({
    ...edit,
    start: edit.start - start,
    end: edit.end - start,
  }));
  return revise(text.slice(start, end), moved).text;
}

/** A line with copies of the conditions that it stands under, as far as they are all plain `%if`s. */
function underConditions({ tree, text }: SpecView, line: SpecLine, own: string): string {
  let result = own;
  for (let at = line.branch; at >= 0; at = tree.branches[at]?.parent ?? -1) {
    const branch = tree.branches[at];
    const header = tree.lines[branch?.headerLine ?? -1];
    if (branch === undefined || header === undefined || !branch.keyword.startsWith("if"))
      return own;
    result = `${text.slice(header.span.start, header.span.end)}${result}%endif\n`;
  }
  return result;
}

/** The offset after the preamble's last tag outside all conditions. */
function preambleEnd({ tree }: SpecView): number {
  const last = tree.lines.findLast(
    ({ section, branch, content }) => section === 0 && branch === -1 && content.kind === "tag",
  );
  return last?.span.end ?? 0;
}
