import { isBlank } from "./scan.ts";

/** A macro call as found in text. */
export interface Call {
  readonly name: string;
  /** Whether `?` or `!` stood before the name: `?` asks whether it is defined, `!` turns that round. */
  readonly asks: boolean;
  readonly isNegated: boolean;
  /** Text after a colon, in braces. */
  readonly colon: string | undefined;
  /** Text after a blank: to the closing brace, or to the end of the line. */
  readonly words: string | undefined;
  /** Offset after the call when it takes no words. */
  readonly end: number;
  /** Offset after the call when it takes `words`. */
  readonly wordsEnd: number;
  /** Whether `%name` stands without braces. */
  readonly isBare: boolean;
}

/** The offset after the `?` and `!` at the start of a bare call. */
export function skipMarks(text: string, start: number): number {
  let at = start;
  while (text[at] === "?" || text[at] === "!") at += 1;
  return at;
}

function hasQuestionMark(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (text[at] === "?") return true;
  return false;
}

function isNegated(text: string, start: number, end: number): boolean {
  let isOdd = false;
  for (let at = start; at < end; at += 1) if (text[at] === "!") isOdd = !isOdd;
  return isOdd;
}

/** `%name`, `%?name` and `%name words to the end of the line`. */
export function bareCall(text: string, start: number, end: number): Call {
  const nameStart = skipMarks(text, start);
  const hasWords = isBlank(text.charCodeAt(end));
  const newline = hasWords ? text.indexOf("\n", end) : -1;
  const wordsStop = newline < 0 ? text.length : newline;
  // The line end stays, unless a backslash hides it.
  const isEscaped = newline > 0 && text[newline - 1] === "\\";
  return {
    name: text.slice(nameStart, end),
    asks: hasQuestionMark(text, start, nameStart),
    isNegated: isNegated(text, start, nameStart),
    colon: undefined,
    words: hasWords ? text.slice(end, wordsStop) : undefined,
    end,
    wordsEnd: isEscaped ? wordsStop + 1 : wordsStop,
    isBare: true,
  };
}

/** A space, a colon or a closing brace. */
function endsName(code: number): boolean {
  return code === 0x20 || code === 0x3a || code === 0x7d;
}

/** `%{name}`, `%{?name:text}` and `%{name words}`; `end` is after the closing brace. */
export function bracedCall(text: string, start: number, end: number): Call {
  const nameStart = skipMarks(text, start + 1);
  let nameEnd = nameStart;
  while (nameEnd < end && !endsName(text.charCodeAt(nameEnd))) nameEnd += 1;
  const after = text[nameEnd];
  return {
    name: text.slice(nameStart, nameEnd),
    asks: hasQuestionMark(text, start + 1, nameStart),
    isNegated: isNegated(text, start + 1, nameStart),
    colon: after === ":" ? text.slice(nameEnd + 1, end - 1) : undefined,
    words: after === " " ? text.slice(nameEnd, end - 1) : undefined,
    end,
    wordsEnd: end,
    isBare: false,
  };
}
