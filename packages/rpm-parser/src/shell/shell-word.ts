/** Something in a shell command that is not imitated here. */
export class UnknownShell extends Error {}

/** A word of a command before expansion: pieces that are quoted or not, and what to expand. */
export type WordPart =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "variable";
      readonly name: string;
      readonly operation: string;
      readonly isQuoted: boolean;
    }
  | { readonly kind: "command"; readonly text: string; readonly isQuoted: boolean }
  | { readonly kind: "arithmetic"; readonly text: string };

export type ShellToken =
  | { readonly kind: "word"; readonly parts: readonly WordPart[] }
  | { readonly kind: "operator"; readonly text: string };

const operators = ["&&", "||", ";;", "2>&1", ">&2", ";", "|", "&", "(", ")", "\n"];

/** Splits a command into words and operators. */
export function tokenize(text: string): readonly ShellToken[] {
  const tokens: ShellToken[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === " " || character === "\t") {
      at += 1;
      continue;
    }
    if (text.startsWith("\\\n", at)) {
      at += 2;
      continue;
    }
    if (character === "#") {
      while (at < text.length && text[at] !== "\n") at += 1;
      continue;
    }
    const redirect = /^(?:2|1|&)?>\s*\/dev\/null|^2>&1|^<\s*\/dev\/null/.exec(text.slice(at));
    if (redirect !== null) {
      tokens.push({ kind: "operator", text: redirect[0].replace(/\s+/g, "") });
      at += redirect[0].length;
      continue;
    }
    const operator = operators.find((one) => text.startsWith(one, at));
    if (operator !== undefined) {
      tokens.push({ kind: "operator", text: operator === "\n" ? ";" : operator });
      at += operator.length;
      continue;
    }
    if (character === "<" || character === ">") throw new UnknownShell("redirection");
    const word = readWord(text, at);
    tokens.push({ kind: "word", parts: word.parts });
    at = word.end;
  }
  return tokens;
}

function readWord(text: string, start: number): { parts: readonly WordPart[]; end: number } {
  const parts: WordPart[] = [];
  let at = start;
  while (at < text.length && !/[\s;|&()<>]/.test(text.charAt(at))) {
    const character = text.charAt(at);
    if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new UnknownShell("unclosed quote");
      parts.push({ kind: "text", text: text.slice(at + 1, end) });
      at = end + 1;
    } else if (character === '"') {
      at = readQuoted(text, at + 1, parts);
    } else if (character === "\\") {
      if (text[at + 1] !== "\n") parts.push({ kind: "text", text: text.charAt(at + 1) });
      at += 2;
    } else if (character === "$" || character === "`") {
      at = readExpansion(text, at, parts, false);
    } else if (character === "[" && at === start && /\s/.test(text.charAt(at + 1))) {
      // The command `[`, not a pattern.
      parts.push({ kind: "text", text: character });
      at += 1;
    } else if (character === "*" || character === "?" || character === "[" || character === "~") {
      throw new UnknownShell("file name pattern");
    } else {
      parts.push({ kind: "text", text: character });
      at += 1;
    }
  }
  return { parts, end: at };
}

function readQuoted(text: string, start: number, parts: WordPart[]): number {
  parts.push({ kind: "text", text: "" });
  let at = start;
  while (at < text.length && text[at] !== '"') {
    if (text[at] === "\\") {
      const next = text.charAt(at + 1);
      const isSpecial = /[$`"\\\n]/.test(next);
      parts.push({ kind: "text", text: next === "\n" ? "" : isSpecial ? next : `\\${next}` });
      at += 2;
    } else if (text[at] === "$" || text[at] === "`") at = readExpansion(text, at, parts, true);
    else {
      parts.push({ kind: "text", text: text.charAt(at) });
      at += 1;
    }
  }
  if (at >= text.length) throw new UnknownShell("unclosed quote");
  return at + 1;
}

function readExpansion(text: string, at: number, parts: WordPart[], isQuoted: boolean): number {
  if (text[at] === "`") {
    const end = text.indexOf("`", at + 1);
    if (end < 0) throw new UnknownShell("unclosed backquote");
    parts.push({ kind: "command", text: text.slice(at + 1, end), isQuoted });
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
    const inner = /^([A-Za-z_]\w*)([\s\S]*)$/.exec(text.slice(at + 2, end - 1));
    if (inner === null) throw new UnknownShell("parameter expansion");
    parts.push({ kind: "variable", name: inner[1] ?? "", operation: inner[2] ?? "", isQuoted });
    return end;
  }
  const name = /^\$([A-Za-z_]\w*)/.exec(text.slice(at, at + 200))?.[1];
  if (name === undefined) {
    if (/[\w@*#?$!-]/.test(text.charAt(at + 1))) throw new UnknownShell("special parameter");
    parts.push({ kind: "text", text: "$" });
    return at + 1;
  }
  parts.push({ kind: "variable", name, operation: "", isQuoted });
  return at + 1 + name.length;
}

function closing(text: string, start: number, open: string, close: string): number {
  let level = 0;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === open) level += 1;
    else if (text[at] === close) {
      level -= 1;
      if (level === 0) return at + 1;
    }
  }
  throw new UnknownShell("unclosed bracket");
}
