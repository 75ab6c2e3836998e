/** Character tests in the C locale, as rpm makes them whatever the user's locale. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

export function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** What a macro's name is made of. */
export function isNameCharacter(code: number): boolean {
  return isLetter(code) || isDigit(code) || code === 0x5f;
}

export function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d;
}

const backslash = 0x5c;

/**
 * The offset after the bracket that closes the one at `start`, or -1. A backslash hides the
 * character after it.
 */
export function bracketEnd(text: string, start: number, open: number, close: number): number {
  let level = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === backslash) at += 1;
    else if (code === close) {
      level -= 1;
      if (level <= 0) return at + 1;
    } else if (code === open) level += 1;
  }
  return -1;
}

/**
 * The offset after a macro call, from the offset after its `%`; -1 when a bracket is not closed
 * (rpm's `findMacroEnd`).
 */
export function macroEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === 0x7b) return bracketEnd(text, start, 0x7b, 0x7d);
  if (first === 0x28) return bracketEnd(text, start, 0x28, 0x29);
  if (first === 0x5b) return bracketEnd(text, start, 0x5b, 0x5d);
  let at = start;
  while (text[at] === "?" || text[at] === "!") at += 1;
  if (text[at] === "-") at += 1;
  while (isNameCharacter(text.charCodeAt(at))) at += 1;
  if (text[at] === "*" && text[at + 1] === "*") return at + 2;
  if (text[at] === "*" || text[at] === "#") return at + 1;
  return at;
}

/**
 * Counts the brackets of macro calls that text leaves open, and whether it ends in a backslash:
 * what decides whether rpm reads another line before it expands one. Feeding the text in pieces
 * gives the same as feeding it whole, as long as pieces end at line ends.
 */
export class OpenBrackets {
  #braces = 0;
  #parentheses = 0;
  #brackets = 0;
  #continued = false;

  /** Whether another line is needed. */
  get isOpen(): boolean {
    return this.#braces > 0 || this.#parentheses > 0 || this.#brackets > 0 || this.#continued;
  }

  /** Whether a bracket is open, a backslash at the end aside. */
  get hasOpenBracket(): boolean {
    return this.#braces > 0 || this.#parentheses > 0 || this.#brackets > 0;
  }

  /** As {@link hasOpenBracket}, square brackets aside. */
  get hasOpenBraceOrParenthesis(): boolean {
    return this.#braces > 0 || this.#parentheses > 0;
  }

  feed(text: string, start: number, end: number): void {
    for (let at = start; at < end; at += 1) {
      switch (text.charCodeAt(at)) {
        case backslash:
          at += 1;
          if (at < end && text.charCodeAt(at) === 0x0a) this.#continued = true;
          break;
        case 0x0a:
          this.#continued = false;
          break;
        case 0x25:
          at = this.#percent(text, at, end);
          break;
        case 0x7b:
          if (this.#braces > 0) this.#braces += 1;
          break;
        case 0x7d:
          if (this.#braces > 0) this.#braces -= 1;
          break;
        case 0x28:
          if (this.#parentheses > 0) this.#parentheses += 1;
          break;
        case 0x29:
          if (this.#parentheses > 0) this.#parentheses -= 1;
          break;
        case 0x5b:
          if (this.#brackets > 0) this.#brackets += 1;
          break;
        case 0x5d:
          if (this.#brackets > 0) this.#brackets -= 1;
          break;
        default:
      }
    }
  }

  #percent(text: string, at: number, end: number): number {
    if (at + 1 >= end) return at;
    switch (text.charCodeAt(at + 1)) {
      case 0x7b:
        this.#braces += 1;
        return at + 1;
      case 0x28:
        this.#parentheses += 1;
        return at + 1;
      case 0x5b:
        this.#brackets += 1;
        return at + 1;
      case 0x25:
        return at + 1;
      default:
        return at;
    }
  }
}
