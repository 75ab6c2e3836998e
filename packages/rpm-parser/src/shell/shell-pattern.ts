import { ownValue } from "../macro/own-value.ts";
import { UnknownShell } from "./shell-word.ts";

/** POSIX character classes in the C locale, as what stands between JavaScript's brackets. */
const classes: Readonly<Record<string, string>> = {
  upper: "A-Z",
  lower: "a-z",
  digit: "0-9",
  space: " \\t\\n\\r\\f\\v",
  blank: " \\t",
  alpha: "A-Za-z",
  alnum: "A-Za-z0-9",
  xdigit: "0-9A-Fa-f",
  punct: "!-/:-@\\[-`{-~",
};

/** What matching may cost, in steps of the worst pattern there is. */
const stepsMax = 1e7;

/** A regular expression that cannot take long: a text that could make it so is not imitated. */
export class BoundedPattern {
  readonly #expression: RegExp;
  readonly #repeats: number;

  /** @param source in JavaScript's syntax, no repeated group of which holds choices or repeats. */
  constructor(source: string, flags: string) {
    this.#repeats = (source.match(/(?<!\\)(?:[*+]|\{\d+,)/g) ?? []).length;
    try {
      this.#expression = new RegExp(source, flags);
    } catch {
      throw new UnknownShell("regular expression");
    }
  }

  test(text: string): boolean {
    this.#check(text);
    return new RegExp(this.#expression).test(text);
  }

  exec(text: string): RegExpExecArray | null {
    this.#check(text);
    return new RegExp(this.#expression).exec(text);
  }

  replace(text: string, replacement: string): string {
    this.#check(text);
    return text.replace(this.#expression, replacement);
  }

  split(text: string): readonly string[] {
    this.#check(text);
    return text.split(this.#expression);
  }

  #check(text: string): void {
    if (text.length ** (this.#repeats + 1) > stepsMax) throw new UnknownShell("a match this long");
  }
}

/**
 * A POSIX regular expression; basic ones escape what extended ones do not. GNU's `\s \S \w \W \b` are
 * known.
 */
export function regularExpression(text: string, kind: RegularExpressionKind): BoundedPattern {
  let source = "";
  /** Whether each open group holds choices or repeats, and whether the one just closed did. */
  const isHeavy = [false];
  let wasHeavy = false;
  let canRepeat = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "[") {
      const set = bracketSet(text, at);
      source += set.source;
      at = set.end;
      canRepeat = true;
      wasHeavy = false;
      continue;
    }
    const isEscaped = character === "\\";
    const one = isEscaped ? text.charAt((at += 1)) : character;
    const isOperator = /[(){}+?|]/.test(one) && isEscaped !== kind.isExtended;
    const isRepeat = isOperator ? /[+?{]/.test(one) : !isEscaped && one === "*";
    if (isRepeat) {
      // Of what repeats within a repeat, matching can take for ever.
      if (!canRepeat || (wasHeavy && one !== "?")) throw new UnknownShell("this repeat");
      isHeavy[isHeavy.length - 1] = true;
      source += one;
    } else if (isOperator) {
      if (one === "|") {
        if (kind.matters) throw new UnknownShell("a choice");
        isHeavy[isHeavy.length - 1] = true;
      } else if (one === "(") isHeavy.push(false);
      source += one;
    } else if (isEscaped) source += escaped(one);
    else if (one === "^" || one === "$") {
      const isAnchor = one === "^" ? /(?:^|\(|\|)$/.test(source) : at === text.length - 1;
      if (!isAnchor) throw new UnknownShell(`'${one}' here`);
      source += one;
    } else source += /[(){}+?|/]/.test(one) ? `\\${one}` : one;
    canRepeat = !isRepeat && one !== "^" && !(isOperator && /[(|}]/.test(one));
    wasHeavy = isOperator && one === ")" && isHeavy.pop() === true;
    if (wasHeavy) isHeavy[isHeavy.length - 1] = true;
  }
  if (source.length > 500) throw new UnknownShell("regular expression");
  return new BoundedPattern(source, `${kind.ignoresCase ? "i" : ""}${kind.isGlobal ? "g" : ""}`);
}

export interface RegularExpressionKind {
  readonly isExtended: boolean;
  readonly ignoresCase: boolean;
  /**
   * Whether it is of interest what is matched, and not only that something is: then choices are not
   * imitated, of which POSIX takes the longest and JavaScript the first.
   */
  readonly matters: boolean;
  readonly isGlobal?: boolean;
}

function escaped(character: string): string {
  if (/[sSwWbB1-9nt]/.test(character)) return `\\${character}`;
  if (/[A-Za-z0<>`']/.test(character)) throw new UnknownShell(`\\${character}`);
  return `\\${character}`;
}

/** `[...]`, in which POSIX knows no escapes. */
function bracketSet(text: string, start: number): { source: string; end: number } {
  let at = start + 1;
  const isNegated = text[at] === "^";
  if (isNegated) at += 1;
  let source = "";
  for (let isFirst = true; at < text.length; isFirst = false, at += 1) {
    const character = text.charAt(at);
    if (character === "]" && !isFirst) {
      return { source: `[${isNegated ? "^" : ""}${source}]`, end: at };
    }
    const named = /^\[:(\w+):\]/.exec(text.slice(at, at + 40));
    if (named !== null) {
      const set = ownValue(classes, named[1] ?? "");
      if (set === undefined) throw new UnknownShell(`character class ${named[0]}`);
      source += set;
      at += named[0].length - 1;
    } else if (character === "[" && /[.=:]/.test(text.charAt(at + 1))) {
      throw new UnknownShell("collating element");
    } else source += /[\\[\]^]/.test(character) ? `\\${character}` : character;
  }
  throw new UnknownShell("regular expression");
}

/** The characters of a set of tr(1). */
export function characterSet(text: string): readonly string[] {
  const plain = unescape(
    text.replace(/\[:(\w+):\]/g, (_whole, name: string) => {
      if (!["upper", "lower", "digit", "alpha", "alnum"].includes(name)) {
        if (name === "space") return " \t\n\r\f\v";
        throw new UnknownShell(`character class ${name}`);
      }
      return classes[name] ?? "";
    }),
  );
  const set: string[] = [];
  for (let at = 0; at < plain.length; at += 1) {
    const first = plain.charCodeAt(at);
    if (plain[at + 1] === "-" && at + 2 < plain.length) {
      for (let code = first; code <= plain.charCodeAt(at + 2); code += 1) {
        set.push(String.fromCharCode(code));
      }
      at += 2;
    } else set.push(plain.charAt(at));
  }
  return set;
}

/** `\n`, `\t` and `\\` as printf and tr read them; other escapes are not imitated. */
export function unescape(text: string): string {
  const known: Readonly<Record<string, string>> = { n: "\n", t: "\t", "\\": "\\", '"': '"' };
  return text.replace(/\\([\s\S])/g, (whole, letter: string) => {
    const character = known[letter];
    if (character === undefined) throw new UnknownShell(whole);
    return character;
  });
}

/** A file name pattern of `${x#pattern}` as the source of a regular expression. */
export function globSource(pattern: string, isLong: boolean): string {
  if (/[[\]\\]/.test(pattern)) throw new UnknownShell("this pattern");
  const source = pattern.replace(/[.+^${}()|/]/g, "\\$&").replace(/\?/g, ".");
  return source.replace(/\*+/g, isLong ? ".*" : ".*?");
}
