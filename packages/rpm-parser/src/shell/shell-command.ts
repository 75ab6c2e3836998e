import { formatDate } from "../lua/rpm-host.ts";
import { characterSet, regularExpression, sedEdits, unescape } from "./shell-sed.ts";
import { UnknownShell } from "./shell-word.ts";

/** What a command may ask of its surroundings. */
export interface ShellSurroundings {
  /** A file's text; undefined when there is none. */
  readonly read: (path: string) => string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly processors: number;
}

export interface CommandOutcome {
  readonly output: string;
  readonly status: number;
}

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

function echo(words: readonly string[]): CommandOutcome {
  const isBare = words[0] === "-n";
  if (/^-[eE]/.test(words[0] ?? "")) throw new UnknownShell("echo -e");
  const text = (isBare ? words.slice(1) : words).join(" ");
  if (text.includes("\\")) throw new UnknownShell("echo of a backslash");
  return { output: isBare ? text : `${text}\n`, status: 0 };
}

function printf(words: readonly string[]): CommandOutcome {
  const [format = "", ...values] = words;
  let next = 0;
  const output = unescape(format).replace(
    /%(0?)(\d*)([sd%])/g,
    (_whole, zero: string, width: string, kind: string) => {
      if (kind === "%") return "%";
      const value = values[next] ?? (kind === "d" ? "0" : "");
      next += 1;
      return value.padStart(Number(width), zero === "" ? " " : "0");
    },
  );
  if (/%[^%\s]/.test(output) && /%/.test(format.replace(/%(0?)(\d*)([sd%])/g, ""))) {
    throw new UnknownShell("printf format");
  }
  return { output, status: 0 };
}

function cut(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const { values, rest } = sortOptions(words, "dfcb", "s");
  const list = values.get("f") ?? values.get("c") ?? values.get("b") ?? "";
  const ranges = list.split(",").map((part) => /^(\d*)(-?)(\d*)$/.exec(part));
  const chosen = (position: number): boolean =>
    ranges.some((range) => {
      const [, from = "", dash = "", to = ""] = range ?? [];
      if (dash === "") return Number(from) === position;
      return position >= Number(from || 1) && position <= (to === "" ? Infinity : Number(to));
    });
  const delimiter = values.get("d") ?? "\t";
  const rows = lines(content(rest, input, s)).flatMap((row) => {
    if (!values.has("f")) {
      return [
        Array.from(row)
          .filter((_one, index) => chosen(index + 1))
          .join(""),
      ];
    }
    if (!row.includes(delimiter)) return values.has("s") ? [] : [row];
    const fields = row.split(delimiter);
    return [fields.filter((_one, index) => chosen(index + 1)).join(delimiter)];
  });
  return joined(rows);
}

function tr(words: readonly string[], input: string): CommandOutcome {
  const { values, rest } = sortOptions(words, "", "dsc");
  if (values.has("s") || values.has("c")) throw new UnknownShell("tr -s or -c");
  const from = characterSet(rest[0] ?? "");
  const to = characterSet(rest[1] ?? "");
  const output = Array.from(input, (one) => {
    const index = from.indexOf(one);
    if (index < 0) return one;
    return values.has("d") ? "" : (to[index] ?? to.at(-1) ?? "");
  }).join("");
  return { output, status: 0 };
}

function sed(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const scripts: string[] = [];
  const files: string[] = [];
  let isExtended = false;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "-E" || word === "-r") isExtended = true;
    else if (word === "-e") scripts.push(words[(index += 1)] ?? "");
    else if (word.startsWith("-")) throw new UnknownShell(`sed ${word}`);
    else if (scripts.length === 0) scripts.push(word);
    else files.push(word);
  }
  const edits = scripts.flatMap((script) => sedEdits(script, isExtended));
  const rows = lines(content(files, input, s)).map((row) =>
    edits.reduce((text, edit) => edit(text), row),
  );
  return joined(rows);
}

function awk(words: readonly string[], input: string, s: ShellSurroundings): CommandOutcome {
  const { values, rest } = sortOptions(words, "F", "");
  const [program = "", ...files] = rest;
  const print = /^\s*\{\s*print\s*(\$[\d]+|\$NF)?\s*;?\s*\}\s*$/.exec(program);
  if (print === null) throw new UnknownShell("awk program");
  const separator = values.get("F");
  const rows = lines(content(files, input, s)).map((row) => {
    const fields =
      separator === undefined || separator === " "
        ? row.trim().split(/[ \t]+/)
        : row.split(separator.length === 1 ? separator : regularExpression(separator, true, ""));
    const wanted = print[1] ?? "$0";
    if (wanted === "$0") return row;
    if (wanted === "$NF") return fields.at(-1) ?? "";
    return fields[Number(wanted.slice(1)) - 1] ?? "";
  });
  return joined(rows);
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
  const expression = regularExpression(pattern, values.has("E"), values.has("i") ? "i" : "");
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

function result(holds: boolean): CommandOutcome {
  return { output: "", status: holds ? 0 : 1 };
}

function test(words: readonly string[]): CommandOutcome {
  const [first = "", second = "", third = ""] = words;
  if (words.length === 0) return result(false);
  if (words.length === 1) return result(first !== "");
  if (words.length === 2 && first === "-n") return result(second !== "");
  if (words.length === 2 && first === "-z") return result(second === "");
  if (words.length !== 3) throw new UnknownShell("test");
  const numbers: Readonly<Record<string, (a: number, b: number) => boolean>> = {
    "-eq": (a, b) => a === b,
    "-ne": (a, b) => a !== b,
    "-lt": (a, b) => a < b,
    "-le": (a, b) => a <= b,
    "-gt": (a, b) => a > b,
    "-ge": (a, b) => a >= b,
  };
  if (second === "=" || second === "==") return result(first === third);
  if (second === "!=") return result(first !== third);
  const compare = numbers[second];
  if (compare === undefined) throw new UnknownShell("test");
  return result(compare(Number(first), Number(third)));
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
  ["test", test],
  ["[", (words) => test(words.slice(0, -1))],
  ["cat", (words, input, s) => ({ output: content(words, input, s), status: 0 })],
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
  // Macro files ask which make there is; every build root has one of these years.
  [
    "make",
    (words) => {
      if (!words.includes("--version")) throw new UnknownShell("make");
      return { output: "GNU Make 4.4.1\n", status: 0 };
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
