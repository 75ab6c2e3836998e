import { compareEvr, formatEvr, parseEvr } from "../version/evr.ts";
import { isDigit, isLetter, isSpace, macroEnd } from "./scan.ts";

/** A value of rpm's expression language. */
export type ExpressionValue =
  | { readonly type: "integer"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "version"; readonly value: string };

export type Token =
  | { readonly kind: "end"; readonly at: number }
  | { readonly kind: "operator"; readonly text: string; readonly at: number }
  | { readonly kind: "value"; readonly value: ExpressionValue; readonly at: number }
  | { readonly kind: "function"; readonly name: string; readonly at: number };

/** A malformed expression, in rpm's words; `at` counts from the expression's start. */
export class ExpressionError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Expands the macros of a token's text; undefined where `%` has no meaning (`%if`, `%{expr:}`). */
export type TokenExpander = ((text: string) => string) | undefined;

const twoCharacterOperators = new Set(["==", "!=", "<=", ">=", "&&", "||"]);
const oneCharacterOperators = new Set("+-*/()!<>?:,");

/** Reads the token at or after `start`; `isSkipped` reads without expanding (short circuit). */
export function readToken(
  text: string,
  start: number,
  expand: TokenExpander,
  isSkipped: boolean,
): { token: Token; end: number } {
  let at = start;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  if (at >= text.length) return { token: { kind: "end", at }, end: at };
  const two = text.slice(at, at + 2);
  if (twoCharacterOperators.has(two)) {
    return { token: { kind: "operator", text: two, at }, end: at + 2 };
  }
  const character = text.charAt(at);
  if (oneCharacterOperators.has(character)) {
    return { token: { kind: "operator", text: character, at }, end: at + 1 };
  }
  if (character === "=" || character === "&" || character === "|") {
    throw new ExpressionError(`syntax error while parsing ${character}${character}`, at);
  }
  if (isDigit(text.charCodeAt(at)) || (character === "%" && expand !== undefined)) {
    return readInteger(text, at, expand, isSkipped);
  }
  if (character === '"' || (character === "v" && text[at + 1] === '"')) {
    return readString(text, at, expand, isSkipped);
  }
  return readWord(text, at);
}

function readInteger(
  text: string,
  start: number,
  expand: TokenExpander,
  isSkipped: boolean,
): { token: Token; end: number } {
  let end = start;
  while (end < text.length) {
    if (text[end] === "%" && expand !== undefined) end = skipMacro(text, end);
    else if (isDigit(text.charCodeAt(end))) end += 1;
    else break;
  }
  const raw = text.slice(start, end);
  const expanded = isSkipped ? "" : expand === undefined ? raw : expand(raw);
  if (expand !== undefined && !/^-?[0-9]*$/.test(expanded)) {
    throw new ExpressionError(
      /^[A-Za-z]/.test(expanded)
        ? 'macro expansion returned a bare word, please use "..."'
        : "macro expansion did not return an integer",
      start,
    );
  }
  const value = Number.parseInt(expanded, 10);
  const integer = Number.isNaN(value) ? 0 : value | 0;
  return {
    token: { kind: "value", value: { type: "integer", value: integer }, at: start },
    end,
  };
}

function readString(
  text: string,
  start: number,
  expand: TokenExpander,
  isSkipped: boolean,
): { token: Token; end: number } {
  const isVersion = text[start] === "v";
  const contentStart = start + (isVersion ? 2 : 1);
  let end = contentStart;
  while (end < text.length && text[end] !== '"') {
    end = text[end] === "%" && expand !== undefined ? skipMacro(text, end) : end + 1;
  }
  if (end >= text.length) throw new ExpressionError("unterminated string in expression", start);
  const raw = text.slice(contentStart, end);
  const content = isSkipped ? "" : expand === undefined ? raw : expand(raw);
  const value: ExpressionValue = isVersion
    ? { type: "version", value: checkedVersion(isSkipped ? "0" : content, start) }
    : { type: "string", value: content };
  return { token: { kind: "value", value, at: start }, end: end + 1 };
}

function readWord(text: string, start: number): { token: Token; end: number } {
  if (!isLetter(text.charCodeAt(start)) && text[start] !== "_") {
    throw new ExpressionError("parse error in expression", start);
  }
  const name = /^[A-Za-z_][A-Za-z0-9_.:]*(?=\()/.exec(text.slice(start, start + 256))?.[0];
  if (name === undefined || text[start] === "_") {
    throw new ExpressionError(
      text[start] === "_"
        ? "parse error in expression"
        : 'bare words are no longer supported, please use "..."',
      start,
    );
  }
  return { token: { kind: "function", name, at: start }, end: start + name.length + 1 };
}

/** The offset after the macro call whose `%` is at `at`. */
function skipMacro(text: string, at: number): number {
  if (text[at + 1] === "%") return at + 2;
  const end = macroEnd(text, at + 1);
  return end < 0 ? text.length : Math.max(end, at + 1);
}

/** `[epoch:]version[-release]` without another separator in a part (rpm's `rpmverParse`). */
function checkedVersion(text: string, at: number): string {
  const { version } = parseEvr(text);
  if (text === "" || version === "") throw new ExpressionError("invalid version", at);
  return text;
}

/** Orders two values of one type. */
export function compareValues(left: ExpressionValue, right: ExpressionValue): number {
  if (left.type === "integer" && right.type === "integer") return left.value - right.value;
  if (left.type === "version" && right.type === "version") {
    return compareEvr(left.value, right.value);
  }
  if (left.value === right.value) return 0;
  return String(left.value) < String(right.value) ? -1 : 1;
}

/** A value as text, as `%[...]` puts it into the result. */
export function formatValue(value: ExpressionValue): string {
  if (value.type === "version") return formatEvr(parseEvr(value.value));
  return String(value.value);
}

/** Whether a value counts as true; a version never does. */
export function isTrue(value: ExpressionValue): boolean {
  if (value.type === "integer") return value.value !== 0;
  return value.type === "string" && value.value !== "";
}
