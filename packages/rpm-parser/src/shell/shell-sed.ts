import { UnknownShell } from "./shell-word.ts";

const classes: Readonly<Record<string, string>> = {
  "[:upper:]": "A-Z",
  "[:lower:]": "a-z",
  "[:digit:]": "0-9",
  "[:space:]": " \t\n",
  "[:alpha:]": "A-Za-z",
  "[:alnum:]": "A-Za-z0-9",
};

/** `\\n`, `\\t` and `\\\\` as printf and tr read them. */
export function unescape(text: string): string {
  const known: Readonly<Record<string, string>> = { n: "\n", t: "\t", "\\": "\\" };
  return text.replace(/\\(.)/g, (whole, letter: string) => known[letter] ?? whole);
}

/** The characters of a set of tr(1). */
export function characterSet(text: string): readonly string[] {
  const plain = unescape(text.replace(/\[:\w+:\]/g, (name) => classes[name] ?? name));
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

/** A POSIX regular expression as one of JavaScript's; basic ones escape what extended ones do not. */
export function regularExpression(text: string, isExtended: boolean, flags: string): RegExp {
  let source = text.replace(/\[\[:(\w+):\]\]/g, (_whole, name: string) => {
    const set = classes[`[:${name}:]`];
    if (set === undefined) throw new UnknownShell(`character class ${name}`);
    return `[${set}]`;
  });
  if (!isExtended) {
    source = source.replace(
      /\\([(){}+?|])|([(){}+?|])/g,
      (_whole, escaped?: string, plain?: string) =>
        escaped === undefined ? `\\${plain}` : escaped,
    );
  }
  if (/\([^()]*[*+]\)[*+]/.test(source) || source.length > 500) {
    throw new UnknownShell("regular expression");
  }
  try {
    return new RegExp(source, flags);
  } catch {
    throw new UnknownShell("regular expression");
  }
}

/** A sed script of `s` commands, as functions of a line. */
export function sedEdits(
  script: string,
  isExtended: boolean,
): readonly ((row: string) => string)[] {
  const edits: ((row: string) => string)[] = [];
  let rest = script.trim();
  while (rest !== "") {
    const delimiter = rest[1];
    if (rest[0] !== "s" || delimiter === undefined) throw new UnknownShell("sed command");
    const parts: string[] = [""];
    let at = 2;
    for (; at < rest.length && parts.length < 3; at += 1) {
      if (rest[at] === "\\" && rest[at + 1] === delimiter) {
        parts[parts.length - 1] += delimiter;
        at += 1;
      } else if (rest[at] === "\\") {
        parts[parts.length - 1] += rest.slice(at, at + 2);
        at += 1;
      } else if (rest[at] === delimiter) parts.push("");
      else parts[parts.length - 1] += rest.charAt(at);
    }
    if (parts.length < 3) throw new UnknownShell("sed command");
    const flags = /^[gI]*/.exec(rest.slice(at))?.[0] ?? "";
    rest = rest.slice(at + flags.length).replace(/^[\s;]+/, "");
    const [pattern = "", replacement = ""] = parts;
    const expression = regularExpression(
      pattern,
      isExtended,
      flags.toLowerCase().replace(/[^gi]/g, ""),
    );
    const target = replacement
      .replace(/\$/g, "$$$$")
      .replace(/\\([0-9])|\\&|&|\\n/g, (whole, digit?: string) => {
        if (digit !== undefined) return digit === "0" ? "$&" : `$${digit}`;
        return whole === "&" ? "$&" : whole === "\\n" ? "\n" : "&";
      });
    edits.push((row) => row.replace(expression, target));
  }
  return edits;
}
