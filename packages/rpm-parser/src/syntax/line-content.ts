import { isLetter, isSpace } from "../macro/scan.ts";
import type { ConditionKeyword, LineContent, Span } from "./spec-tree.ts";

/** Section headers (rpm's `build/parseSpec.c`), without their `%`. */
const sectionNames = new Set([
  "package",
  "prep",
  "generate_buildrequires",
  "conf",
  "build",
  "install",
  "check",
  "clean",
  "preun",
  "postun",
  "pretrans",
  "posttrans",
  "preuntrans",
  "postuntrans",
  "pre",
  "post",
  "files",
  "changelog",
  "description",
  "triggerpostun",
  "triggerprein",
  "triggerun",
  "triggerin",
  "trigger",
  "verifyscript",
  "sepolicy",
  "filetriggerin",
  "filetrigger",
  "filetriggerun",
  "filetriggerpostun",
  "transfiletriggerin",
  "transfiletrigger",
  "transfiletriggerun",
  "transfiletriggerpostun",
  "end",
  "patchlist",
  "sourcelist",
]);

const conditionKeywords = new Set<string>([
  "if",
  "ifarch",
  "ifnarch",
  "ifos",
  "ifnos",
  "elif",
  "elifarch",
  "elifos",
  "else",
  "endif",
] satisfies ConditionKeyword[]);

/**
 * The section a line begins, in lower case without `%`; undefined for any other line. Headers stand
 * at the very start of a line and are compared without case.
 */
export function sectionName(line: string): string | undefined {
  if (!line.startsWith("%")) return undefined;
  let end = 1;
  while (end < line.length && !isSpace(line.charCodeAt(end))) end += 1;
  if (end > 30) return undefined;
  const name = line.slice(1, end).toLowerCase();
  return sectionNames.has(name) ? name : undefined;
}

/** The condition a line is, by rpm's rule of what may follow the word; undefined for another line. */
export function conditionKeyword(line: string): ConditionKeyword | "include" | undefined {
  let start = 0;
  while (start < line.length && line[start] !== "\n" && isSpace(line.charCodeAt(start))) start += 1;
  if (line[start] !== "%") return undefined;
  let end = start + 1;
  while (isLetter(line.charCodeAt(end))) end += 1;
  const word = line.slice(start + 1, end);
  if (word !== "include" && !conditionKeywords.has(word)) return undefined;
  if (word === "else" || word === "endif") return word;
  const next = line[end];
  if (next !== undefined && next !== " " && next !== "\t") return undefined;
  return word as ConditionKeyword | "include";
}

const tagPattern = /^[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*(?:\(([^()\n]*)\))?[ \t]*:/;
const definitionPattern =
  /^[ \t]*%(?:\{)?(define|global|undefine|bcond_without|bcond_with|bcond)[ \t]+([A-Za-z_][A-Za-z0-9_]*)/;

/** What a logical line looks like; tags are looked for only where a section may hold them. */
export function lineContent(text: string, span: Span, holdsTags: boolean): LineContent {
  const line = text.slice(span.start, span.end);
  const trimmed = line.trimStart();
  if (trimmed === "") return { kind: "blank" };
  if (trimmed.startsWith("#")) return { kind: "comment" };
  if (trimmed.startsWith("%")) {
    const special = percentContent(line, span);
    if (special !== undefined) return special;
  }
  const tag = holdsTags ? tagPattern.exec(line) : null;
  if (tag !== null) return tagContent(line, span, tag);
  return { kind: "text" };
}

function percentContent(line: string, span: Span): LineContent | undefined {
  const condition = conditionKeyword(line);
  if (condition !== undefined) {
    const start = line.indexOf("%") + 1 + condition.length;
    const argumentSpan = trimmedSpan(line, span, start);
    return condition === "include"
      ? { kind: "include", argumentSpan }
      : { kind: "condition", keyword: condition, argumentSpan };
  }
  const section = sectionName(line);
  if (section !== undefined) {
    return {
      kind: "section",
      name: section,
      argumentSpan: trimmedSpan(line, span, 1 + section.length),
    };
  }
  const definition = definitionPattern.exec(line);
  if (definition === null) return undefined;
  const [whole, keyword, name = ""] = definition;
  const nameEnd = whole.length;
  let bodyStart = nameEnd;
  if (line[bodyStart] === "(") bodyStart = Math.max(line.indexOf(")", bodyStart) + 1, bodyStart);
  return {
    kind: "definition",
    keyword: keyword as "define",
    name,
    nameSpan: { start: span.start + nameEnd - name.length, end: span.start + nameEnd },
    bodySpan: trimmedSpan(line, span, bodyStart),
  };
}

function tagContent(line: string, span: Span, match: RegExpExecArray): LineContent {
  const [whole, name = "", qualifier] = match;
  const nameStart = line.search(/[A-Za-z]/);
  return {
    kind: "tag",
    name,
    qualifier: qualifier?.trim(),
    nameSpan: { start: span.start + nameStart, end: span.start + nameStart + name.length },
    valueSpan: trimmedSpan(line, span, whole.length),
  };
}

/** The part of a line from `start` on, without white space at its ends. */
function trimmedSpan(line: string, span: Span, start: number): Span {
  let first = start;
  let last = line.length;
  while (first < last && isSpace(line.charCodeAt(first))) first += 1;
  while (last > first && isSpace(line.charCodeAt(last - 1))) last -= 1;
  return { start: span.start + first, end: span.start + last };
}
