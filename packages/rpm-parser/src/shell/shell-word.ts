/** Something in a shell command that is not imitated here. */
export class UnknownShell extends Error {}

/** A word of a command before expansion: pieces that are quoted or not, and what to expand. */
export type WordPart =
  | { readonly kind: "text"; readonly text: string; readonly isQuoted: boolean }
  | {
      readonly kind: "variable";
      readonly name: string;
      /** What follows the name in braces: `%.*`, `:-none`; `#` alone for the length. */
      readonly operation: string;
      readonly isQuoted: boolean;
    }
  | { readonly kind: "command"; readonly text: string; readonly isQuoted: boolean }
  | { readonly kind: "arithmetic"; readonly text: string };

export type ShellToken =
  | { readonly kind: "word"; readonly parts: readonly WordPart[] }
  | { readonly kind: "operator"; readonly text: string }
  /** To or from `/dev/null`, between outputs, or `<<<`, whose word is the next token. */
  | { readonly kind: "redirection"; readonly text: string };

const operators = ["&&", "||", ";;", ";", "|", "&", "(", ")", "\n"];
const redirection =
  /(?:[12&]?>>?\s*\/dev\/null(?![\w./])|2>&1|1?>&2|<\s*\/dev\/null(?![\w./])|<<<)/y;
/** What stands for itself; an equals sign is a part of its own, for assignments. */
const plainText = /[^\s;|&()<>'"\\$`*?[~=]+/y;
const quotedText = /[^"\\$`]+/y;
const blanks = /(?:[ \t]|\\\n)+/y;
const comment = /#[^\n]*/y;

/** Splits a command into words, operators and redirections. */
export function tokenize(text: string): readonly ShellToken[] {
  const tokens: ShellToken[] = [];
  let at = 0;
  const skips = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  for (;;) {
    if (skips(blanks) !== undefined || skips(comment) !== undefined) continue;
    if (at >= text.length) return tokens;
    const redirected = skips(redirection);
    if (redirected !== undefined) {
      tokens.push({ kind: "redirection", text: redirected.replace(/\s+/g, "") });
      continue;
    }
    const operator = operators.find((one) => text.startsWith(one, at));
    if (operator !== undefined) {
      tokens.push({ kind: "operator", text: operator === "\n" ? ";" : operator });
      at += operator.length;
      continue;
    }
    if (text[at] === "<" || text[at] === ">") throw new UnknownShell("redirection");
    const word = readWord(text, at);
    tokens.push({ kind: "word", parts: word.parts });
    at = word.end;
  }
}

function readWord(text: string, start: number): { parts: readonly WordPart[]; end: number } {
  const parts: WordPart[] = [];
  const plain = (one: string, isQuoted: boolean): void => {
    parts.push({ kind: "text", text: one, isQuoted });
  };
  let at = start;
  while (at < text.length && !/[\s;|&()<>]/.test(text.charAt(at))) {
    const character = text.charAt(at);
    if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new UnknownShell("unclosed quote");
      parts.push({ kind: "text", text: text.slice(at + 1, end), isQuoted: true });
      at = end + 1;
    } else if (character === '"') {
      at = readQuoted(text, at + 1, parts);
    } else if (character === "\\") {
      if (text[at + 1] !== "\n") plain(text.charAt(at + 1), true);
      at += 2;
    } else if (character === "$" || character === "`") {
      at = readExpansion(text, at, parts, false);
    } else if (character === "[" && at === start && /\s/.test(text.charAt(at + 1))) {
      // The command `[`, not a pattern.
      plain(character, false);
      at += 1;
    } else if (/[*?[]/.test(character) || (character === "~" && at === start)) {
      throw new UnknownShell("file name pattern");
    } else {
      plainText.lastIndex = at;
      const run = plainText.exec(text)?.[0] ?? character;
      plain(run, false);
      at += run.length;
    }
  }
  return { parts, end: at };
}

function readQuoted(text: string, start: number, parts: WordPart[]): number {
  parts.push({ kind: "text", text: "", isQuoted: true });
  let at = start;
  while (at < text.length && text[at] !== '"') {
    if (text[at] === "\\") {
      const next = text.charAt(at + 1);
      const isSpecial = /[$`"\\\n]/.test(next);
      const unescaped = next === "\n" ? "" : isSpecial ? next : `\\${next}`;
      parts.push({ kind: "text", text: unescaped, isQuoted: true });
      at += 2;
    } else if (text[at] === "$" || text[at] === "`") at = readExpansion(text, at, parts, true);
    else {
      quotedText.lastIndex = at;
      const run = quotedText.exec(text)?.[0] ?? text.charAt(at);
      parts.push({ kind: "text", text: run, isQuoted: true });
      at += run.length;
    }
  }
  if (at >= text.length) throw new UnknownShell("unclosed quote");
  return at + 1;
}

function readExpansion(text: string, at: number, parts: WordPart[], isQuoted: boolean): number {
  if (text[at] === "`") {
    const end = text.indexOf("`", at + 1);
    const inner = text.slice(at + 1, end);
    if (end < 0 || inner.includes("\\")) throw new UnknownShell("this backquote");
    parts.push({ kind: "command", text: inner, isQuoted });
    return end + 1;
  }
  if (text.startsWith("$((", at)) {
    const end = closing(text, at + 1, "(", ")");
    if (!text.slice(at, end).endsWith("))")) throw new UnknownShell("a subshell here");
    parts.push({ kind: "arithmetic", text: text.slice(at + 3, end - 2) });
    return end;
  }
  if (text[at + 1] === "(") {
    const end = closing(text, at + 1, "(", ")");
    parts.push({ kind: "command", text: text.slice(at + 2, end - 1), isQuoted });
    return end;
  }
  if (text[at + 1] === "{") {
    const end = closing(text, at + 1, "{", "}");
    const inner = text.slice(at + 2, end - 1);
    const length = /^#([A-Za-z_]\w*)$/.exec(inner)?.[1];
    const [, name = length, operation = "#"] = /^([A-Za-z_]\w*)([\s\S]*)$/.exec(inner) ?? [];
    if (name === undefined) throw new UnknownShell("parameter expansion");
    parts.push({ kind: "variable", name, operation, isQuoted });
    return end;
  }
  const name = /^\$([A-Za-z_]\w*|\?)/.exec(text.slice(at, at + 200))?.[1];
  if (name === undefined) {
    if (/[\w@*#$!-]/.test(text.charAt(at + 1))) throw new UnknownShell("special parameter");
    parts.push({ kind: "text", text: "$", isQuoted });
    return at + 1;
  }
  parts.push({ kind: "variable", name, operation: "", isQuoted });
  return at + 1 + name.length;
}

/** The offset after the bracket that closes the one at `start`; quotes hide brackets. */
function closing(text: string, start: number, open: string, close: string): number {
  let level = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === "\\") at += 1;
    else if (character === "'" || character === '"') {
      at = text.indexOf(character, at + 1);
      if (at < 0) break;
    } else if (character === open) level += 1;
    else if (character === close) {
      level -= 1;
      if (level === 0) return at + 1;
    }
  }
  throw new UnknownShell("unclosed bracket");
}
