import { bracketEnd, isBlank, isLetter, isLineEnd, isNameCharacter, OpenBrackets } from "./scan.ts";

/** A definition as it stands after `%define` or `%global`. */
interface ParsedDefinition {
  readonly name: string;
  readonly options: string | undefined;
  readonly body: string;
  /** The offset after the definition, line ends included. */
  readonly end: number;
  /** A definition without a blank before its body; allowed, but not meant. */
  readonly lacksBlank: boolean;
}

export type DefinitionResult =
  | ParsedDefinition
  | { readonly error: string; readonly code: string; readonly end: number };

/**
 * Reads `name[(options)] body` (rpm's `doDefine`).
 *
 * @param isFreeField the body ends with the line, as after `%define`; otherwise it is the rest of the
 *   text, as in `%{define:...}`.
 */
export function parseDefinition(
  text: string,
  start: number,
  isFreeField: boolean,
): DefinitionResult {
  let at = start;
  while (isBlank(text.charCodeAt(at))) at += 1;
  const nameStart = at;
  while (isNameCharacter(text.charCodeAt(at))) at += 1;
  const name = text.slice(nameStart, at);
  const failure = (code: string, what: string, end: number): DefinitionResult => ({
    error: `Macro %${name} ${what}`,
    code,
    end,
  });
  let options: string | undefined;
  if (text[at] === "(") {
    const close = text.indexOf(")", at);
    if (close < 0) return failure("macro-options", "has unterminated opts", text.length);
    options = text.slice(at + 1, close);
    at = close + 1;
  }
  const bodyStart = at;
  while (isBlank(text.charCodeAt(at))) at += 1;
  const read = isFreeField ? readBody(text, at) : { body: text.slice(at), end: text.length };
  if (read === undefined) return failure("macro-body", "has unterminated body", text.length);
  let end = read.end;
  while (isLineEnd(text.charCodeAt(end))) end += 1;
  if (!isValidName(name)) {
    return { error: `Macro %${name} has illegal name`, code: "macro-name", end };
  }
  if (read.body === "") return failure("macro-empty", "has empty body", end);
  const gap = text.charCodeAt(bodyStart);
  const lacksBlank = !isBlank(gap) && !(gap === 0x5c && isLineEnd(text.charCodeAt(bodyStart + 1)));
  return { name, options, body: read.body, end, lacksBlank };
}

/** A letter, or an underscore and more. */
export function isValidName(name: string): boolean {
  return isLetter(name.charCodeAt(0)) || (name.startsWith("_") && name.length > 1);
}

function readBody(text: string, start: number): { body: string; end: number } | undefined {
  if (text[start] === "{") {
    const end = bracketEnd(text, start, 0x7b, 0x7d);
    return end < 0 ? undefined : { body: text.slice(start + 1, end - 1), end };
  }
  return readFreeBody(text, start);
}

/** Up to the end of the line that leaves no bracket open; a backslash hides what follows it. */
function readFreeBody(text: string, start: number): { body: string; end: number } | undefined {
  const end = freeBodyEnd(text, start);
  if (end === undefined) return undefined;
  const raw = text.slice(start, end);
  const body = raw.includes("\\") ? dropBackslashes(raw) : raw;
  return { body: body.replace(/[ \t\n\r]+$/, ""), end };
}

function freeBodyEnd(text: string, start: number): number | undefined {
  const open = new OpenBrackets();
  let at = start;
  for (;;) {
    let end = at;
    while (end < text.length && !isLineEnd(text.charCodeAt(end))) {
      end += text.charCodeAt(end) === 0x5c ? 2 : 1;
    }
    end = Math.min(end, text.length);
    open.feed(text, at, end);
    // Only square brackets do not hold a line end back; rpm then calls the body unterminated.
    if (end >= text.length || !open.hasOpenBraceOrParenthesis) {
      return open.hasOpenBracket ? undefined : end;
    }
    at = end;
    while (at < text.length && isLineEnd(text.charCodeAt(at))) at += 1;
  }
}

/** Each backslash goes, the character after it stays: so an escaped line end stays as a line end. */
function dropBackslashes(text: string): string {
  return text.replace(/\\([\s\S])/g, "$1");
}
