import { formatRequirement, parseRequirements, type Requirement } from "rpm-parser";
import { maskMacros } from "../edit/masked-text.ts";
import type { Rule } from "../profile/rule.ts";
import { type DropTest, dropRequirement } from "./drop-requirement.ts";

/** One dependency of a field as written; offsets count from the field's start. */
interface FieldItem {
  readonly start: number;
  end: number;
  raw: string;
  /** What it comes to. */
  expansion: string;
  /** As a tree, macro calls in its names masked. */
  readonly requirement: Requirement;
  readonly unmask: (text: string) => string;
}

/** A field after the rules: undefined when nothing of it is left. */
export interface FieldRemainder {
  readonly text: string | undefined;
  readonly rules: readonly Rule[];
  /** What went, as written. */
  readonly dropped: readonly string[];
  /** Macros of the spec that stay, and whose definitions hold what is to be dropped. */
  readonly macros: readonly string[];
}

/** Splits a dependency field at spaces and commas outside macro calls. */
function splitField(field: string, expanded: ReadonlyMap<string, string>): FieldItem[] {
  const { text, unmask } = maskMacros(field);
  const items: FieldItem[] = [];
  for (const parsed of parseRequirements(text)) {
    if ("error" in parsed) break;
    const { start, end, requirement } = parsed;
    const raw = field.slice(start, end);
    items.push({ start, end, raw, expansion: expanded.get(raw) ?? raw, requirement, unmask });
  }
  return items;
}

/** Parts of a field that have to be expanded before {@link dropFromField} can judge it. */
export function fieldParts(field: string): string[] {
  if (!field.includes("%")) return [];
  return splitField(field, new Map()).flatMap(({ raw, requirement, unmask }) => [
    raw,
    ...namesOf(requirement).map((name) => unmask(name)),
  ]);
}

function namesOf(requirement: Requirement): string[] {
  if (requirement.kind === "rich") return requirement.operands.flatMap((one) => namesOf(one));
  const { name, evr } = requirement.capability;
  return evr === undefined ? [name] : [name, evr];
}

/**
 * Takes dropped dependencies out of a field such as `a >= 1, b%{?_isa} (c or d)`. What stays is
 * left as it is written, and so are the separators between. An item that is a macro's call, of
 * which some is to stay, stays whole where the macro is one that the spec defines.
 *
 * @param isDefined whether a macro's definition is written in the spec, and can be edited
 */
export function dropFromField(
  field: string,
  expanded: ReadonlyMap<string, string>,
  test: DropTest,
  isDefined: (macro: string) => boolean = () => false,
): FieldRemainder {
  const items = joinVersions(splitField(field, expanded), field);
  const rules: Rule[] = [];
  const dropped: string[] = [];
  const macros: string[] = [];
  const cuts: { start: number; end: number; text: string }[] = [];
  let kept = 0;
  for (const item of items) {
    const left = remainderOf(item, expanded, test);
    if (left === undefined) {
      kept += 1;
      continue;
    }
    const macro = /^%(?:\{\??(\w+)\}|(\w+))$/.exec(item.raw)?.slice(1).join("");
    if (left.text !== undefined && macro !== undefined && isDefined(macro)) {
      macros.push(macro);
      kept += 1;
      continue;
    }
    rules.push(...left.rules);
    dropped.push(item.raw);
    if (left.text !== undefined) kept += 1;
    cuts.push({ start: item.start, end: item.end, text: left.text ?? "" });
  }
  const text = cuts.length === 0 ? field : kept === 0 ? undefined : cutOut(field, cuts);
  return { text, rules, dropped, macros };
}

/**
 * A version that comes out of a macro, as in `a %{?min:>= %{min}}`, is read as an item of its own;
 * here it joins the name before it.
 */
function joinVersions(items: readonly FieldItem[], field: string): FieldItem[] {
  const joined: FieldItem[] = [];
  for (const item of items) {
    const before = joined.at(-1);
    if (before !== undefined && /^\s*[<>=]/.test(item.expansion)) {
      before.end = item.end;
      before.expansion += ` ${item.expansion}`;
      before.raw = field.slice(before.start, before.end);
    } else joined.push({ ...item });
  }
  return joined;
}

/** What is left of one item; undefined when no rule has a say. */
function remainderOf(
  { expansion, requirement, unmask }: FieldItem,
  expanded: ReadonlyMap<string, string>,
  test: DropTest,
): { readonly text: string | undefined; readonly rules: readonly Rule[] } | undefined {
  if (requirement.kind === "rich") {
    const expand = (text: string): string => {
      const written = unmask(text);
      return expanded.get(written) ?? written;
    };
    const left = dropRequirement(requirement, ({ name, operator, evr }) =>
      test({
        name: expand(name),
        ...(operator === undefined || evr === undefined ? {} : { operator, evr: expand(evr) }),
      }),
    );
    if (left.rules.length === 0) return undefined;
    return {
      text:
        left.requirement === undefined ? undefined : unmask(formatRequirement(left.requirement)),
      rules: left.rules,
    };
  }
  const all = parseRequirements(expansion);
  const rules: Rule[] = [];
  const left: string[] = [];
  for (const parsed of all) {
    if ("error" in parsed) return undefined;
    const remainder = dropRequirement(parsed.requirement, test);
    rules.push(...remainder.rules);
    if (remainder.requirement !== undefined) left.push(formatRequirement(remainder.requirement));
  }
  if (rules.length === 0) return undefined;
  return { text: left.length === 0 ? undefined : left.join(" "), rules };
}

/** Puts the new texts in; what becomes empty goes with the separators after or before it. */
function cutOut(
  field: string,
  cuts: readonly { readonly start: number; readonly end: number; readonly text: string }[],
): string {
  let result = field;
  for (const { start, end, text } of cuts.toReversed()) {
    const before = result.slice(0, start);
    const after = result.slice(end);
    if (text !== "") result = before + text + after;
    else if (/[^\s,]/.test(after)) result = before + after.replace(/^[\s,]+/, "");
    else result = before.replace(/[\s,]+$/, "") + after.replace(/^[\s,]+/, "");
  }
  return result;
}
