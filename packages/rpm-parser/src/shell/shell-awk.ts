import { regularExpression } from "./shell-pattern.ts";
import { UnknownShell } from "./shell-word.ts";

/** Reads a row's fields: `$0` is the row, `$NF` the last. */
type Expression = (row: string, fields: readonly string[]) => string;

/**
 * What awk(1) prints for a program of one rule: `[/pattern/ | NR==N] { print VALUE[, VALUE...] }`,
 * where a value is fields, strings and `substr()` side by side.
 */
export function runAwk(
  program: string,
  rows: readonly string[],
  separator: string | undefined,
): readonly string[] {
  const rule =
    /^\s*(?:NR\s*==\s*(\d+)|\/((?:[^/\\]|\\.)*)\/)?\s*\{\s*print\b\s*([^{};|>]*?)\s*;?\s*\}\s*$/;
  const [whole, number, pattern, list = ""] = rule.exec(program) ?? [];
  if (whole === undefined) throw new UnknownShell("awk program");
  const kind = { isExtended: true, ignoresCase: false, matters: false };
  const expression = pattern === undefined ? undefined : regularExpression(pattern, kind);
  const values = list === "" ? [[(row: string): string => row]] : parsePrint(list);
  const split = splitter(separator);
  return rows.flatMap((row, index) => {
    if (number !== undefined && Number(number) !== index + 1) return [];
    if (expression?.test(row) === false) return [];
    const fields = split(row);
    const printed = values.map((parts) => parts.map((part) => part(row, fields)).join(""));
    return [printed.join(" ")];
  });
}

function splitter(separator: string | undefined): (row: string) => readonly string[] {
  if (separator === undefined || separator === " ") return (row) => row.trim().split(/[ \t]+/);
  if (/^[^\\\s]$/.test(separator)) return (row) => row.split(separator);
  if (separator === "\\t" || separator === "\t") return (row) => row.split("\t");
  const kind = { isExtended: true, ignoresCase: false, matters: true };
  const pattern = regularExpression(separator.replace(/^\\\\?/, "\\"), kind);
  return (row) => pattern.split(row);
}

const token =
  /\s*(?:\$(\d+|NF)|"([^"\\]*)"|substr\(\s*\$(\d+|NF)\s*,\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)|(,))/y;

function parsePrint(text: string): readonly (readonly Expression[])[] {
  const values: Expression[][] = [[]];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    if (found === null) throw new UnknownShell("awk program");
    const [, name, literal, cut, start = "1", length, comma] = found;
    if (comma !== undefined) values.push([]);
    else if (literal !== undefined) values.at(-1)?.push(() => literal);
    else if (name !== undefined) values.at(-1)?.push(field(name));
    else {
      const from = Number(start) - 1;
      const end = length === undefined ? undefined : from + Number(length);
      const whole = field(cut ?? "0");
      values.at(-1)?.push((row, fields) => whole(row, fields).slice(Math.max(from, 0), end));
    }
  }
  if (values.some((parts) => parts.length === 0)) throw new UnknownShell("awk program");
  return values;
}

function field(name: string): Expression {
  if (name === "0") return (row) => row;
  if (name === "NF") return (_row, fields) => fields.at(-1) ?? "";
  return (_row, fields) => fields[Number(name) - 1] ?? "";
}
