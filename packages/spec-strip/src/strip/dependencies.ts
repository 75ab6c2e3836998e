import type { Span, SpecLine } from "rpm-parser";
import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { CapabilityRule, DroppedKind, NameRule } from "../profile/rule.ts";
import { dropFromField, fieldParts } from "./dependency-field.ts";
import type { DropTest } from "./drop-requirement.ts";
import { isClosed, type SpecView } from "./spec-view.ts";

const kindsByTag: Readonly<Record<string, DroppedKind>> = {
  buildrequires: "buildRequires",
  buildprereq: "buildRequires",
  requires: "requires",
  prereq: "requires",
  recommends: "recommends",
  suggests: "suggests",
  supplements: "supplements",
  enhances: "enhances",
};

/** A dependency tag somewhere in the text. */
interface DependencyTag {
  readonly tag: string;
  readonly kind: DroppedKind;
  /** Where its value is. */
  readonly start: number;
  readonly value: string;
  /** What goes when nothing of the value is left. */
  readonly whole: { readonly start: number; readonly end: number };
}

/** A line whose expansion holds dependency tags that are not written in the spec. */
interface MacroLine {
  readonly line: SpecLine;
  readonly text: string;
}

/**
 * Edits that drop dependencies, in every branch of the spec. Where a macro makes whole tag lines,
 * its call gives way to what it expands to.
 *
 * @param droppedPackages subpackages that go, and the rule that wants it
 */
export function dependencyEdits(
  view: SpecView,
  rules: EffectiveRules,
  droppedPackages: ReadonlyMap<string, NameRule>,
): TextEdit[] {
  const tests = dropTests(rules, droppedPackages);
  if (tests.size === 0) return [];
  const tags: DependencyTag[] = [];
  const macroLines: MacroLine[] = [];
  for (const line of view.tree.lines) {
    const { content, span } = line;
    if (content.kind === "tag") {
      const kind = kindsByTag[content.name.toLowerCase()];
      if (kind === undefined || !tests.has(kind)) continue;
      const { start, end } = content.valueSpan;
      const value = view.text.slice(start, end);
      tags.push({ tag: content.name, kind, start, value, whole: span });
    } else if (content.kind === "text" && holdsTags(view, line)) {
      const text = view.text.slice(span.start, span.end);
      if (!/^\s*%/.test(text)) continue;
      const inner = tagsInConditional(text, span.start).filter(({ kind }) => tests.has(kind));
      if (inner.length > 0) tags.push(...inner);
      else if (isClosed(text)) macroLines.push({ line, text: text.trimEnd() });
    }
  }
  const expanded = view.expand([
    ...tags.flatMap(({ value }) => fieldParts(value)),
    ...macroLines.map(({ text }) => text),
  ]);
  const definitions = dependencyMacros(view);
  return [
    ...tags.flatMap((tag) => tagEdit(view, tag, expanded, tests.get(tag.kind), definitions)),
    ...macroLines.flatMap((one) => macroLineEdit(view, one, expanded, tests)),
  ];
}

function holdsTags({ tree }: SpecView, line: SpecLine): boolean {
  const name = tree.sections[line.section]?.name;
  return name === "preamble" || name === "package";
}

type DropTests = ReadonlyMap<DroppedKind, DropTest>;

function dropTests(
  { drop }: EffectiveRules,
  droppedPackages: ReadonlyMap<string, NameRule>,
): DropTests {
  const tests = new Map<DroppedKind, DropTest>();
  for (const [kind, rules] of Object.entries(drop) as [DroppedKind, readonly CapabilityRule[]][]) {
    const refers = kind !== "buildRequires" && droppedPackages.size > 0;
    if (rules.length === 0 && !refers) continue;
    tests.set(kind, (capability) => {
      const rule = rules.find((one) => one.matches(capability));
      if (rule !== undefined || !refers) return rule;
      return droppedPackages.get(capability.name.replace(/\([^()]*-(?:32|64)\)$/, ""));
    });
  }
  return tests;
}

const tagLine = /^[ \t]*([A-Za-z]+)[ \t]*(?:\([^()\n]*\))?[ \t]*:[ \t]*/;

/** Tags in `%{?with_x11:BuildRequires: a}`, on one line or on several. */
function tagsInConditional(text: string, offset: number): DependencyTag[] {
  const [, head] = /^(\s*%\{[!?]+\w+:)[\s\S]*\}\s*$/.exec(text) ?? [];
  if (head === undefined) return [];
  const close = text.lastIndexOf("}");
  const inner = text.slice(head.length, close);
  const found: DependencyTag[] = [];
  let at = head.length;
  const lines = inner.split("\n");
  const hasOthers = lines.filter((line) => line.trim() !== "").length > 1;
  for (const [index, line] of lines.entries()) {
    const [whole, tag = ""] = tagLine.exec(line) ?? [];
    const kind = kindsByTag[tag.toLowerCase()];
    if (whole !== undefined && kind !== undefined) {
      const isLast = index === lines.length - 1;
      found.push({
        tag,
        kind,
        start: offset + at + whole.length,
        value: line.slice(whole.length).trimEnd(),
        whole: hasOthers
          ? { start: offset + at, end: offset + at + line.length + (isLast ? 0 : 1) }
          : { start: offset, end: offset + text.length },
      });
    }
    at += line.length + 1;
  }
  return found;
}

function tagEdit(
  view: SpecView,
  { tag, value, start, whole }: DependencyTag,
  expanded: ReadonlyMap<string, string>,
  test: DropTest | undefined,
  definitions: ReadonlyMap<string, Span>,
): TextEdit[] {
  if (test === undefined || value.includes("\n")) return [];
  const isDefined = (name: string): boolean => definitions.has(name);
  let left = dropFromField(value, expanded, test, isDefined);
  const inner = left.macros.flatMap((name) =>
    definitionEdit(view, name, definitions.get(name), test),
  );
  // A definition that is itself made of macros is left alone.
  if (inner.length < left.macros.length) left = dropFromField(value, expanded, test);
  const { text, rules, dropped } = left;
  if (rules.length === 0) return inner;
  const what = `drop ${tag} ${dropped.join(", ")}`;
  if (text === undefined) return [...inner, { ...whole, text: "", rules, what }];
  return [...inner, { start, end: start + value.length, text, rules, what }];
}

/** Macros that the spec defines once, on one line, and where their bodies are. */
function dependencyMacros({ tree, text }: SpecView): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>();
  const others = new Set<string>();
  for (const { content } of tree.lines) {
    if (content.kind !== "definition") continue;
    const { name, keyword, bodySpan } = content;
    const isPlain =
      (keyword === "define" || keyword === "global") &&
      !text.slice(bodySpan.start, bodySpan.end).includes("\n");
    if (found.has(name) || !isPlain) others.add(name);
    found.set(name, bodySpan);
  }
  for (const name of others) found.delete(name);
  return found;
}

function definitionEdit(
  view: SpecView,
  name: string,
  span: Span | undefined,
  test: DropTest,
): TextEdit[] {
  if (span === undefined) return [];
  const body = view.text.slice(span.start, span.end);
  const { text, rules, dropped } = dropFromField(body, view.expand(fieldParts(body)), test);
  if (rules.length === 0 || text === undefined) return [];
  return [{ ...span, text, rules, what: `drop ${dropped.join(", ")} from %${name}` }];
}

function macroLineEdit(
  { tree }: SpecView,
  { line, text }: MacroLine,
  expanded: ReadonlyMap<string, string>,
  tests: DropTests,
): TextEdit[] {
  const expansion = expanded.get(text) ?? text;
  if (expansion === text) return [];
  const rules: TextEdit["rules"][number][] = [];
  const dropped: string[] = [];
  const left: string[] = [];
  for (const one of expansion.split("\n")) {
    const [whole, tag = ""] = tagLine.exec(one) ?? [];
    const test = tests.get(kindsByTag[tag.toLowerCase()] ?? ("" as DroppedKind));
    if (whole === undefined || test === undefined) {
      left.push(one);
      continue;
    }
    const remainder = dropFromField(one.slice(whole.length), new Map(), test);
    rules.push(...remainder.rules);
    dropped.push(...remainder.dropped.map((name) => `${tag} ${name}`));
    if (remainder.text !== undefined) left.push(whole + remainder.text);
  }
  if (rules.length === 0) return [];
  const { start, end } = line.span;
  const lineEnd = tree.source.text.slice(start, end).endsWith("\n") ? "\n" : "";
  const rest = left.join("\n").replaceAll("%", "%%");
  return [
    {
      start,
      end,
      text:
        rest.trim() === "" ? "" : `# Was a macro, without what a profile drops:\n${rest}${lineEnd}`,
      rules,
      what: `drop ${dropped.join(", ")} out of ${text.trim().split("\n")[0]}`,
    },
  ];
}
