import { BoundedPattern, globSource } from "./shell-pattern.ts";
import { UnknownShell } from "./shell-word.ts";

/** What a word of `${x:-word}` comes to. */
type ExpandWord = (text: string) => string;

/** What only bash has: `${x:0:7}`, `${x/a/b}`, `${x^^}`. */
export function isBashOperation(operation: string): boolean {
  return /^(?::\s*[^-=?+]|\/|\^|,|@)/.test(operation);
}

/** `${x<operation>}`; `value` is undefined where the variable is not set. */
export function expandParameter(
  value: string | undefined,
  operation: string,
  expandWord: ExpandWord,
): string {
  const text = value ?? "";
  if (operation === "") return text;
  if (operation === "#") return String(text.length);
  const fallback = /^(:?)([-+])([\s\S]*)$/.exec(operation);
  if (fallback !== null) {
    const [, colon, sign, word = ""] = fallback;
    const isSet = value !== undefined && (colon === "" || value !== "");
    if (sign === "+") return isSet ? expandWord(word) : "";
    return isSet ? text : expandWord(word);
  }
  const cutting = /^(##?|%%?)([\s\S]*)$/.exec(operation);
  if (cutting !== null) return cutPattern(text, cutting[1] ?? "", patternOf(cutting[2] ?? ""));
  const part = /^:\s*(-?\d+)(?::(\d+))?$/.exec(operation);
  if (part !== null) return substring(text, Number(part[1]), part[2]);
  const replacing = /^(\/\/?)([^/\\]+)(?:\/([\s\S]*))?$/.exec(operation);
  if (replacing !== null) {
    const [, slashes, pattern = "", word = ""] = replacing;
    if (/^[#%]/.test(pattern)) throw new UnknownShell(operation);
    const source = globSource(patternOf(pattern), true);
    const flags = slashes === "//" ? "gs" : "s";
    return new BoundedPattern(source, flags).replace(text, expandWord(word).replace(/\$/g, "$$$$"));
  }
  if (operation === "^^") return text.toUpperCase();
  if (operation === ",,") return text.toLowerCase();
  throw new UnknownShell(operation);
}

/** A pattern whose quotes are off; what they would hide, or what would be expanded, is not imitated. */
function patternOf(text: string): string {
  const plain = /^(["'])([^"'*?$`]*)\1$/.exec(text)?.[2] ?? text;
  if (/["'$`]/.test(plain)) throw new UnknownShell("this pattern");
  return plain;
}

function substring(text: string, offset: number, length: string | undefined): string {
  const start = offset < 0 ? text.length + offset : offset;
  if (start < 0) return "";
  return length === undefined ? text.slice(start) : text.slice(start, start + Number(length));
}

/** `${x#pattern}` and its like: the shortest or longest match goes. */
function cutPattern(value: string, operator: string, pattern: string): string {
  const isLong = operator.length === 2;
  if (operator.startsWith("#")) {
    return new BoundedPattern(`^${globSource(pattern, isLong)}`, "s").replace(value, "");
  }
  // From the end, the shortest match begins as late as it can.
  const source = `^(${isLong ? ".*?" : ".*"})${globSource(pattern, true)}$`;
  return new BoundedPattern(source, "s").exec(value)?.[1] ?? value;
}
