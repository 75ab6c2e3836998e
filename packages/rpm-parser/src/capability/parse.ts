import type { Capability, Operator, Requirement, RichOperator } from "./capability.ts";

/** What stood in the way of reading a dependency, in rpm's words; `at` counts from the text's start. */
export interface DependencySyntaxError {
  readonly message: string;
  readonly at: number;
}

/** One dependency read from a field, or the reason why the rest of the field cannot be read. */
export type ParsedRequirement =
  | { readonly requirement: Requirement; readonly start: number; readonly end: number }
  | { readonly error: DependencySyntaxError };

const operators = new Map<string, Operator>([
  ["<", "<"],
  ["=<", "<="],
  ["<=", "<="],
  ["==", "="],
  ["=", "="],
  [">=", ">="],
  ["=>", ">="],
  [">", ">"],
]);

const richOperators = new Set(["and", "or", "if", "unless", "else", "with", "without"]);

/** Deeper nesting than any real dependency; keeps a hostile one from using up the stack. */
const depthMax = 200;

/**
 * Splits a dependency field (`a, b >= 1 (c or d)`) into requirements as rpm does: words are
 * separated by white space or commas, and a word that is a comparison joins the two around it
 * (rpm's `build/parseReqs.c`). Stops at the first error.
 */
export function parseRequirements(field: string): readonly ParsedRequirement[] {
  const found: ParsedRequirement[] = [];
  let at = skipSeparators(field, 0);
  while (at < field.length) {
    const one = field[at] === "(" ? parseRich(field, at, 0) : parseSimple(field, at, wordEnd);
    found.push(one);
    if ("error" in one) break;
    at = skipSeparators(field, one.end);
  }
  return found;
}

/**
 * One capability or rich dependency, and nothing else: `glib2 >= 2.84`, `(a or b)`.
 *
 * @returns undefined when the text is not exactly one.
 */
export function parseRequirement(text: string): Requirement | undefined {
  const [first, ...others] = parseRequirements(text);
  if (first === undefined || others.length > 0 || "error" in first) return undefined;
  return first.requirement;
}

/**
 * One capability without rich syntax: `name` or `name operator evr`.
 *
 * @returns undefined when the text is anything else.
 */
export function parseCapability(text: string): Capability | undefined {
  const requirement = parseRequirement(text);
  return requirement?.kind === "simple" ? requirement.capability : undefined;
}

function failure(message: string, at: number): ParsedRequirement {
  return { error: { message, at } };
}

type WordEnd = (text: string, at: number) => number;

function parseSimple(text: string, start: number, end: WordEnd): ParsedRequirement {
  const nameEnd = end(text, start);
  if (nameEnd === start) return { error: { message: "Name required", at: start } };
  const name = text.slice(start, nameEnd);
  const operatorStart = skipSeparators(text, nameEnd);
  const operatorEnd = end(text, operatorStart);
  const operator = operators.get(text.slice(operatorStart, operatorEnd));
  if (operator === undefined) {
    return { requirement: { kind: "simple", capability: { name } }, start, end: nameEnd };
  }
  const evrStart = skipSeparators(text, operatorEnd);
  const evrEnd = end(text, evrStart);
  if (evrEnd === evrStart) return { error: { message: "Version required", at: evrStart } };
  const evr = text.slice(evrStart, evrEnd);
  return {
    requirement: { kind: "simple", capability: { name, operator, evr } },
    start,
    end: evrEnd,
  };
}

/** Follows rpm's `rpmrichParse`: one kind of operator a level, `else` after `if` and `unless`. */
function parseRich(text: string, start: number, depth: number): ParsedRequirement {
  if (depth > depthMax) return failure("Rich dependency is nested too deeply", start);
  const operands: Requirement[] = [];
  let operator: RichOperator | undefined;
  let chain: string | undefined;
  let at = start + 1;
  for (;;) {
    at = skipSeparators(text, at);
    if (text[at] === ")") {
      return failure(
        chain === undefined ? "Empty rich dependency" : "Missing argument to rich dependency op",
        at,
      );
    }
    const operand =
      text[at] === "(" ? parseRich(text, at, depth + 1) : parseSimple(text, at, richWordEnd);
    if ("error" in operand) return operand;
    operands.push(operand.requirement);
    at = skipSeparators(text, operand.end);
    if (at >= text.length) return failure("Unterminated rich dependency", start);
    if (text[at] === ")") break;
    const wordStart = at;
    while (at < text.length && !isSpace(text.charCodeAt(at)) && text[at] !== ")") at += 1;
    const word = text.slice(wordStart, at);
    if (!richOperators.has(word)) {
      return failure(`Unknown rich dependency op '${word.slice(0, 80)}'`, wordStart);
    }
    if (word === "else" && (chain === "if" || chain === "unless")) chain = undefined;
    if (chain !== undefined && word !== chain) {
      return failure("Cannot chain different ops", wordStart);
    }
    if (chain !== undefined && word !== "and" && word !== "or" && word !== "with") {
      return failure("Can only chain and/or/with ops", wordStart);
    }
    chain = word;
    operator ??= word as RichOperator;
  }
  const [only] = operands;
  // `(a)` is a group of one: the same requirement, but rpm keeps its parentheses.
  const requirement: Requirement =
    operator === undefined && only !== undefined
      ? { kind: "rich", operator: "and", operands }
      : { kind: "rich", operator: operator ?? "and", operands };
  return { requirement, start, end: at + 1 };
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isSeparator(code: number): boolean {
  return isSpace(code) || code === 0x2c;
}

function skipSeparators(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSeparator(text.charCodeAt(at))) at += 1;
  return at;
}

function wordEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isSeparator(text.charCodeAt(at))) at += 1;
  return at;
}

/** As {@link wordEnd}, but a closing parenthesis that was not opened in the word ends it. */
function richWordEnd(text: string, start: number): number {
  let open = 0;
  let at = start;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isSeparator(code)) break;
    if (code === 0x28) open += 1;
    if (code === 0x29 && open-- <= 0) break;
  }
  return at;
}
