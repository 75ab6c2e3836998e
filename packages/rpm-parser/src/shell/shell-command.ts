import { formatDate } from "../macro/date.ts";
import { runAwk } from "./shell-awk.ts";
import { characterSet, regularExpression, unescape } from "./shell-pattern.ts";
import { runSed } from "./shell-sed.ts";
import type { CommandOutcome, ShellSurroundings } from "./shell-surroundings.ts";
import { testStatus } from "./shell-test.ts";
import { UnknownShell } from "./shell-word.ts";

type Command = (
  words: readonly string[],
  input: string,
  surroundings: ShellSurroundings,
) => CommandOutcome;

function lines(text: string): readonly string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

function joined(rows: readonly string[]): CommandOutcome {
  return { output: rows.map((row) => `${row}\n`).join(""), status: 0 };
}

function cat(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  if (words.some((word) => /^-./.test(word))) throw new UnknownShell("cat");
  const there = words.filter((word) => word === "-" || s.kindOf(word) !== "nothing");
  const output = there.length === 0 && words.length > 0 ? "" : content(there, input, s);
  return { output, status: there.length === words.length ? 0 : 1 };
}

function content(files: readonly string[], input: string, surroundings: ShellSurroundings): string {
  if (files.length === 0) return input;
  return files
    .map((file) => {
      const text = file === "-" ? input : surroundings.read(file);
      if (text === undefined) throw new UnknownShell(`file ${file}`);
      return text;
    })
    .join("");
}

/** Options with and without values, and the rest. */
function sortOptions(
  words: readonly string[],
  withValue: string,
  without: string,
): { values: ReadonlyMap<string, string>; rest: readonly string[] } {
  const values = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (!/^-[A-Za-z0-9]/.test(word)) {
      rest.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at += 1) {
      const letter = word.charAt(at);
      if (without.includes(letter)) values.set(letter, "");
      else if (withValue.includes(letter)) {
        const attached = word.slice(at + 1);
        values.set(letter, attached === "" ? (words[(index += 1)] ?? "") : attached);
        break;
      } else throw new UnknownShell(`option -${letter}`);
    }
  }
  return { values, rest };
}

function echo(
  words: readonly string[],
  _input: string,
  { shell }: ShellSurroundings,
): CommandOutcome {
  const isBare = words[0] === "-n";
  if (/^-[neE]+$/.test(words[isBare ? 1 : 0] ?? "")) throw new UnknownShell("echo -e");
  let text = (isBare ? words.slice(1) : words).join(" ");
  if (text.includes("\\") && shell !== "bash") {
    if (shell === undefined) throw new UnknownShell("echo of a backslash");
    text = unescape(text);
  }
  return { output: isBare ? text : `${text}\n`, status: 0 };
}

function printf(words: readonly string[]): CommandOutcome {
  const [format = "", ...values] = words;
  let next = 0;
  const output = unescape(format).replace(
    /%(0?)(\d{0,3})(.|$)/g,
    (_whole, zero: string, width: string, kind: string) => {
      if (kind === "%") return "%";
      const value = values[next] ?? (kind === "d" ? "0" : "");
      next += 1;
      const isNumber = kind === "d" && /^-?(?:0|[1-9]\d{0,14})$/.test(value);
      if (kind !== "s" && !isNumber) throw new UnknownShell("printf format");
      return value.padStart(Number(width), zero === "" ? " " : "0");
    },
  );
  // With words left over, printf goes over its format again.
  if (next < values.length) throw new UnknownShell("printf of more words");
  return { output, status: 0 };
}

function cut(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const joins = "--output-delimiter=";
  const separator = words.find((word) => word.startsWith(joins))?.slice(joins.length);
  const short = words.filter((word) => !word.startsWith(joins));
  const { values, rest } = sortOptions(short, "dfcb", "s");
  const list = values.get("f") ?? values.get("c") ?? values.get("b") ?? "";
  const ranges = list.split(",").map((part) => /^(\d*)(-?)(\d*)$/.exec(part));
  if (ranges.includes(null) || list === "") throw new UnknownShell("cut");
  const chosen = (position: number): boolean =>
    ranges.some((range) => {
      const [, from = "", dash = "", to = ""] = range ?? [];
      if (dash === "") return Number(from) === position;
      return position >= Number(from || 1) && position <= (to === "" ? Infinity : Number(to));
    });
  const delimiter = values.get("d") ?? "\t";
  const rows = lines(content(rest, input, s)).flatMap((row) => {
    if (!values.has("f")) {
      if (separator !== undefined) throw new UnknownShell("cut");
      return [
        Array.from(row)
          .filter((_one, index) => chosen(index + 1))
          .join(""),
      ];
    }
    if (!row.includes(delimiter)) return values.has("s") ? [] : [row];
    const fields = row.split(delimiter);
    return [fields.filter((_one, index) => chosen(index + 1)).join(separator ?? delimiter)];
  });
  return joined(rows);
}

function tr(words: readonly string[], input: string): CommandOutcome {
  const { values, rest } = sortOptions(words, "", "dsc");
  const [first = "", second] = rest;
  if (rest.length > 2 || (values.has("d") && values.has("s"))) throw new UnknownShell("tr");
  const from = characterSet(first);
  const isMeant = (one: string): boolean => from.includes(one) !== values.has("c");
  const to = second === undefined ? [] : characterSet(second);
  if (values.has("d")) {
    return {
      output: Array.from(input)
        .filter((one) => !isMeant(one))
        .join(""),
      status: 0,
    };
  }
  if (second === undefined && !values.has("s")) throw new UnknownShell("tr");
  let last: string | undefined;
  let output = "";
  for (const one of input) {
    const index = values.has("c") ? to.length : from.indexOf(one);
    const result = second !== undefined && isMeant(one) ? (to[index] ?? to.at(-1) ?? one) : one;
    const isSqueezed = second === undefined ? isMeant(result) : to.includes(result);
    if (!values.has("s") || !isSqueezed || result !== last) output += result;
    last = result;
  }
  return { output, status: 0 };
}

function sed(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const scripts: string[] = [];
  const files: string[] = [];
  let isExtended = false;
  let isQuiet = false;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "-E" || word === "-r") isExtended = true;
    else if (word === "-n") isQuiet = true;
    else if (word === "-e") scripts.push(words[(index += 1)] ?? "");
    else if (word.startsWith("-")) throw new UnknownShell(`sed ${word}`);
    else if (scripts.length === 0) scripts.push(word);
    else files.push(word);
  }
  const rows = lines(content(files, input, s));
  return joined(runSed(scripts.join("\n"), rows, isExtended, isQuiet));
}

function awk(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const { values, rest } = sortOptions(words, "F", "");
  const [program = "", ...files] = rest;
  return joined(runAwk(program, lines(content(files, input, s)), values.get("F")));
}

function headOrTail(isHead: boolean): Command {
  return (words, input, s) => {
    const short = words.map((word) => word.replace(/^-(\d+)$/, "-n$1"));
    const { values, rest } = sortOptions(short, "nc", "");
    if (values.has("c")) {
      const text = content(rest, input, s);
      const count = Number(values.get("c"));
      return { output: isHead ? text.slice(0, count) : text.slice(-count), status: 0 };
    }
    const count = Number(values.get("n") ?? "10");
    if (!Number.isInteger(count) || count <= 0) throw new UnknownShell("head or tail");
    const rows = lines(content(rest, input, s));
    return joined(isHead ? rows.slice(0, count) : rows.slice(-count));
  };
}

function date(words: readonly string[], _input: string, s: ShellSurroundings): CommandOutcome {
  const format = words.find((word) => word.startsWith("+"))?.slice(1) ?? "%a %b %e %H:%M:%S %Z %Y";
  const given =
    words.find((word) => word.startsWith("@")) ?? words.find((word) => word.startsWith("-d@"));
  const others = words.filter((word) => !/^(?:\+|@|-d@?|-u$|--utc$|-d$)/.test(word));
  if (others.length > 0) throw new UnknownShell("date");
  const seconds = given?.replace(/^(?:-d)?@/, "") ?? s.environment["SOURCE_DATE_EPOCH"];
  if (seconds === undefined) throw new UnknownShell("the date: SOURCE_DATE_EPOCH is not set");
  return { output: `${formatDate(format, Number(seconds))}\n`, status: 0 };
}

function grep(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const { values, rest } = sortOptions(words, "e", "EiqvwcoF");
  const [pattern = "", ...files] = values.has("e") ? [values.get("e") ?? "", ...rest] : rest;
  if (values.has("w") || values.has("o") || values.has("F")) throw new UnknownShell("grep option");
  const expression = regularExpression(pattern, {
    isExtended: values.has("E"),
    ignoresCase: values.has("i"),
    matters: false,
  });
  const rows = lines(content(files, input, s)).filter(
    (row) => expression.test(row) !== values.has("v"),
  );
  const status = rows.length === 0 ? 1 : 0;
  if (values.has("q")) return { output: "", status };
  if (values.has("c")) return { output: `${rows.length}\n`, status };
  return { ...joined(rows), status };
}

function wc(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const { values, rest } = sortOptions(words, "", "lwc");
  if (rest.length > 0 || values.size !== 1) throw new UnknownShell("wc");
  const text = content(rest, input, s);
  if (values.has("l")) return { output: `${text.split("\n").length - 1}\n`, status: 0 };
  const count = values.has("w")
    ? text.split(/\s+/).filter((word) => word !== "").length
    : Buffer.byteLength(text);
  return { output: `${count}\n`, status: 0 };
}

/** The commands that are imitated; what they do not do here is unknown, never guessed. */
export const shellCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["echo", echo],
  ["printf", printf],
  ["true", () => ({ output: "", status: 0 })],
  [":", () => ({ output: "", status: 0 })],
  ["false", () => ({ output: "", status: 1 })],
  ["cut", cut],
  ["tr", tr],
  ["sed", sed],
  ["awk", awk],
  ["gawk", awk],
  ["head", headOrTail(true)],
  ["tail", headOrTail(false)],
  ["date", date],
  ["grep", grep],
  ["egrep", (words, input, s) => grep(["-E", ...words], input, s)],
  ["wc", wc],
  ["test", (words, _input, s) => ({ output: "", status: testStatus(words, s) })],
  [
    "[",
    (words, _input, s) => {
      if (words.at(-1) !== "]") throw new UnknownShell("[");
      return { output: "", status: testStatus(words.slice(0, -1), s) };
    },
  ],
  ["cat", cat],
  [
    "rev",
    (_words, input) => joined(lines(input).map((row) => Array.from(row).toReversed().join(""))),
  ],
  [
    "getconf",
    ([name = ""], _input, s) => {
      if (name !== "_NPROCESSORS_ONLN") throw new UnknownShell(`getconf ${name}`);
      return { output: `${s.processors}\n`, status: 0 };
    },
  ],
  ["nproc", (_words, _input, s) => ({ output: `${s.processors}\n`, status: 0 })],
  [
    "basename",
    ([path = "", suffix = ""]) => {
      const base = path.replace(/\/+$/, "").replace(/^.*\//, "");
      const isCut = suffix !== "" && base.endsWith(suffix) && base !== suffix;
      return joined([isCut ? base.slice(0, -suffix.length) : base]);
    },
  ],
  [
    "dirname",
    ([path = ""]) => {
      const trimmed = path.replace(/\/+$/, "");
      const slash = trimmed.lastIndexOf("/");
      return joined([slash < 0 ? "." : slash === 0 ? "/" : trimmed.slice(0, slash)]);
    },
  ],
]);
