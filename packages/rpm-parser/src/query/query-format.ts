import { senseBits } from "../header/dependencies.ts";
import { formatDate } from "../macro/date.ts";
import { queryTagNames } from "./query-tag-names.ts";
import type { QueryTags } from "./query-tags.ts";

/** What is wrong with a query format, in rpm's words. */
export class QueryFormatError extends Error {}

type Node =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "tag";
      readonly name: string;
      /** `=`: the first value, again and again. */
      readonly isFixed: boolean;
      readonly width: number;
      readonly format: string;
    }
  | { readonly kind: "array"; readonly body: readonly Node[] }
  | {
      readonly kind: "choice";
      readonly name: string;
      readonly present: readonly Node[];
      readonly absent: readonly Node[];
    };

/**
 * What `rpmspec -q --qf` prints for one package (rpm's `lib/headerfmt.c`): tags, widths, arrays in
 * brackets, `%|TAG?{...}:{...}|`, and the formats `:shescape :day :date :hex :octal :depflags :deptype`.
 *
 * @throws QueryFormatError
 */
export function formatQuery(format: string, tags: QueryTags): string {
  const reader = new FormatReader(format);
  const nodes = reader.nodes("");
  return nodes.map((node) => print(node, tags, undefined)).join("");
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

class FormatReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Up to the closing character, which is taken; to the end of the text when there is none. */
  nodes(closing: string): readonly Node[] {
    const nodes: Node[] = [];
    let text = "";
    const flush = (): void => {
      if (text !== "") nodes.push({ kind: "text", text });
      text = "";
    };
    for (;;) {
      const character = this.#text.charAt(this.#at);
      if (character === "") {
        if (closing !== "") throw new QueryFormatError(`${closing} expected at end of array`);
        flush();
        return nodes;
      }
      this.#at += 1;
      if (character === closing) {
        flush();
        return nodes;
      }
      if (character === "]" || character === "}") {
        throw new QueryFormatError(`unexpected ${character}`);
      }
      if (character === "\\") {
        const next = this.#text.charAt(this.#at);
        text += escapes[next] ?? next;
        this.#at += 1;
      } else if (character === "%" && this.#text[this.#at] === "%") {
        text += "%";
        this.#at += 1;
      } else if (character === "%") {
        flush();
        nodes.push(this.#text[this.#at] === "|" ? this.#choice() : this.#tag());
      } else if (character === "[") {
        flush();
        nodes.push({ kind: "array", body: this.nodes("]") });
      } else text += character;
    }
  }

  #tag(): Node {
    const width = /^-?\d{0,4}/.exec(this.#text.slice(this.#at, this.#at + 5))?.[0] ?? "";
    this.#at += width.length;
    if (this.#text[this.#at] !== "{") throw new QueryFormatError("missing { after %");
    const end = this.#text.indexOf("}", this.#at);
    if (end < 0) throw new QueryFormatError("missing } after %{");
    const inner = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    const [, mark = "", name = "", format = ""] = /^(=?)([^:]*):?(.*)$/s.exec(inner) ?? [];
    if (!isFormat(format)) throw new QueryFormatError(`unknown tag: "${name}"`);
    return {
      kind: "tag",
      name: tagName(name),
      isFixed: mark === "=",
      width: width === "-" ? 0 : Number(width),
      format,
    };
  }

  #choice(): Node {
    const head = /^\|([^?|]*)\?/.exec(this.#text.slice(this.#at));
    if (head === null) throw new QueryFormatError("? expected in expression");
    this.#at += head[0].length;
    const present = this.#branch();
    let absent: readonly Node[] = [];
    if (this.#text[this.#at] === ":") {
      this.#at += 1;
      absent = this.#branch();
    }
    if (this.#text[this.#at] !== "|") throw new QueryFormatError("| expected at end of expression");
    this.#at += 1;
    return { kind: "choice", name: tagName(head[1] ?? ""), present, absent };
  }

  #branch(): readonly Node[] {
    if (this.#text[this.#at] !== "{") {
      throw new QueryFormatError("{ expected after : in expression");
    }
    this.#at += 1;
    return this.nodes("}");
  }
}

function tagName(name: string): string {
  const upper = name.toUpperCase().replace(/^RPMTAG_/, "");
  if (!queryTagNames.has(upper)) throw new QueryFormatError(`unknown tag: "${name}"`);
  return aliases[upper] ?? upper;
}

/** Names that rpm has for the same tag. */
const aliases: Readonly<Record<string, string>> = {
  N: "NAME",
  V: "VERSION",
  R: "RELEASE",
  E: "EPOCH",
  REQUIRES: "REQUIRENAME",
  PROVIDES: "PROVIDENAME",
  CONFLICTS: "CONFLICTNAME",
  OBSOLETES: "OBSOLETENAME",
  RECOMMENDS: "RECOMMENDNAME",
  SUGGESTS: "SUGGESTNAME",
  SUPPLEMENTS: "SUPPLEMENTNAME",
  ENHANCES: "ENHANCENAME",
};

/** @param index which item of an array; undefined outside all: then the first. */
function print(node: Node, tags: QueryTags, index: number | undefined): string {
  if (node.kind === "text") return node.text;
  if (node.kind === "choice") {
    const branch = tags.has(node.name) ? node.present : node.absent;
    return branch.map((one) => print(one, tags, index)).join("");
  }
  if (node.kind === "array") return printArray(node.body, tags);
  const content = tags.get(node.name);
  const values = Array.isArray(content) ? content : content === undefined ? [] : [content];
  const value = values[node.isFixed ? 0 : (index ?? 0)] as string | number | undefined;
  const text = value === undefined ? "(none)" : formatValue(value, node.format);
  return node.width < 0 ? text.padEnd(-node.width) : text.padStart(node.width);
}

function printArray(body: readonly Node[], tags: QueryTags): string {
  const counts = new Set(countsOf(body, tags));
  if (counts.size > 1) {
    throw new QueryFormatError("array iterator used with different sized arrays");
  }
  const [count = 0] = counts;
  return Array.from({ length: count }, (_, index) =>
    body.map((node) => print(node, tags, index)).join(""),
  ).join("");
}

/** How many values each tag in an array has that the array is to go over. */
function countsOf(body: readonly Node[], tags: QueryTags): readonly number[] {
  return body.flatMap((node) => {
    if (node.kind === "choice") return countsOf([...node.present, ...node.absent], tags);
    if (node.kind !== "tag" || node.isFixed) return [];
    const content = tags.get(node.name);
    return content === undefined ? [] : [Array.isArray(content) ? content.length : 1];
  });
}

function isFormat(format: string): boolean {
  return format === "" || Object.hasOwn(formats, format);
}

function formatValue(value: string | number, format: string): string {
  return formats[format]?.(value) ?? String(value);
}

const formats: Readonly<Record<string, (value: string | number) => string>> = {
  string: (value) => String(value),
  shescape: (value) =>
    typeof value === "number" ? String(value) : `'${value.replaceAll("'", String.raw`'\''`)}'`,
  hex: (value) => Number(value).toString(16),
  octal: (value) => Number(value).toString(8),
  day: (value) => formatDate("%a %b %d %Y", Number(value)),
  date: (value) => formatDate("%c", Number(value)),
  depflags: (value) =>
    [
      (Number(value) & senseBits.less) !== 0 ? "<" : "",
      (Number(value) & senseBits.greater) !== 0 ? ">" : "",
      (Number(value) & senseBits.equal) !== 0 ? "=" : "",
    ].join(""),
  deptype: (value) => {
    const names = dependencyTypes.filter((name) => (Number(value) & senseBits[name]) !== 0);
    return names.length === 0 ? "manual" : names.join(",");
  },
};

/** In the order in which rpm names them. */
const dependencyTypes = [
  "pre",
  "post",
  "preun",
  "postun",
  "verify",
  "interp",
  "rpmlib",
  "prereq",
  "pretrans",
  "posttrans",
  "preuntrans",
  "postuntrans",
  "config",
  "missingok",
  "meta",
] as const;
