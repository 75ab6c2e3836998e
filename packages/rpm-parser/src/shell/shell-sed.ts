import { BoundedPattern, regularExpression } from "./shell-pattern.ts";
import { UnknownShell } from "./shell-word.ts";

/** A command of a sed script; `undefined` from it deletes the line. */
interface SedCommand {
  /** Lines it is for; all when absent. */
  readonly address: BoundedPattern | number | "last" | undefined;
  readonly kind: "substitute" | "print" | "delete";
  readonly pattern?: BoundedPattern;
  readonly replacement?: string;
  /** `s///p`: prints the line when something was replaced. */
  readonly prints?: boolean;
}

/**
 * What sed(1) makes of these lines with a script of `s`, `p` and `d` commands, each with at most one
 * address: a number, `$` or `/pattern/`.
 *
 * @param isQuiet as with `-n`: only `p` prints.
 */
export function runSed(
  script: string,
  rows: readonly string[],
  isExtended: boolean,
  isQuiet: boolean,
): readonly string[] {
  const commands = parseScript(script, isExtended);
  return rows.flatMap((row, index) => {
    let text = row;
    const printed: string[] = [];
    for (const { address, kind, pattern, replacement = "", prints } of commands) {
      const isMeant =
        address === undefined ||
        (address instanceof BoundedPattern
          ? address.test(text)
          : address === "last"
            ? index === rows.length - 1
            : address === index + 1);
      if (!isMeant) continue;
      if (kind === "delete") return printed;
      if (kind === "print") printed.push(text);
      else if (pattern?.test(text) === true) {
        text = pattern.replace(text, replacement);
        if (prints === true) printed.push(text);
      }
    }
    return isQuiet ? printed : [...printed, text];
  });
}

function parseScript(script: string, isExtended: boolean): readonly SedCommand[] {
  const commands: SedCommand[] = [];
  const expression = (text: string, flags = ""): BoundedPattern =>
    regularExpression(text, {
      isExtended,
      ignoresCase: flags.includes("I") || flags.includes("i"),
      isGlobal: flags.includes("g"),
      matters: true,
    });
  let rest = script.trim();
  while (rest !== "") {
    let address: SedCommand["address"];
    const plain = /^(\d+|\$)\s*/.exec(rest);
    if (plain !== null) {
      address = plain[1] === "$" ? "last" : Number(plain[1]);
      rest = rest.slice(plain[0].length);
    } else if (rest.startsWith("/")) {
      const { parts, end } = delimited(rest, 1, "/", 1);
      address = expression(parts[0] ?? "");
      rest = rest.slice(end).trimStart();
    }
    const letter = rest.charAt(0);
    if (letter === "p" || letter === "d") {
      commands.push({ address, kind: letter === "p" ? "print" : "delete" });
      rest = rest.slice(1);
    } else if (letter === "s" && rest.length > 1) {
      const { parts, end } = delimited(rest, 2, rest.charAt(1), 2);
      const flags = /^[gIip]*/.exec(rest.slice(end))?.[0] ?? "";
      rest = rest.slice(end + flags.length);
      commands.push({
        address,
        kind: "substitute",
        pattern: expression(parts[0] ?? "", flags),
        replacement: replacementOf(parts[1] ?? ""),
        prints: flags.includes("p"),
      });
    } else throw new UnknownShell("sed command");
    if (rest !== "" && !/^[ \t]*[;\n]/.test(rest) && rest.trim() !== "") {
      throw new UnknownShell("sed command");
    }
    rest = rest.replace(/^[\s;]+/, "");
  }
  return commands;
}

/** So many parts, each up to the delimiter; an escaped delimiter stands for itself. */
function delimited(
  text: string,
  start: number,
  delimiter: string,
  count: number,
): { parts: readonly string[]; end: number } {
  const parts = [""];
  let at = start;
  for (; at < text.length && parts.length <= count; at += 1) {
    const character = text.charAt(at);
    if (character === "\\" && text[at + 1] === delimiter) {
      parts[parts.length - 1] += delimiter;
      at += 1;
    } else if (character === "\\") {
      parts[parts.length - 1] += text.slice(at, at + 2);
      at += 1;
    } else if (character === delimiter) parts.push("");
    else if (character === "[") {
      // A delimiter in brackets is one to POSIX, but not to GNU.
      const end = text.indexOf("]", at + 2);
      if (text.slice(at, end).includes(delimiter)) throw new UnknownShell("sed command");
      parts[parts.length - 1] += character;
    } else parts[parts.length - 1] += character;
  }
  if (parts.length <= count) throw new UnknownShell("sed command");
  return { parts, end: at };
}

/** `&` and `\1` as JavaScript writes them. */
function replacementOf(text: string): string {
  return text.replace(/\\([\s\S])|&|\$/g, (whole, letter?: string) => {
    if (whole === "&") return "$&";
    if (whole === "$") return "$$";
    if (letter === "0") return "$&";
    if (/[1-9]/.test(letter ?? "")) return `$${letter}`;
    if (letter === "n") return "\n";
    if (letter === "t") return "\t";
    if (/[A-Za-z]/.test(letter ?? "")) throw new UnknownShell(whole);
    return letter === "$" ? "$$" : (letter ?? "");
  });
}
