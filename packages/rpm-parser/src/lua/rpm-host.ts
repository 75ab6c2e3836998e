import { quoteWords, splitWords } from "../macro/arguments.ts";
import { parseDefinition } from "../macro/define.ts";
import type { MacroExpander } from "../macro/expander.ts";
import { loadMacroText } from "../macro/macro-file.ts";
import { macroLevel } from "../macro/table.ts";
import { compareEvr } from "../version/evr.ts";
import { compareVersions } from "../version/compare.ts";
import type { LuaHost, LuaMachine, LuaValue } from "./lua-machine.ts";

/** What rpm's Lua interface does outside Lua: macros, files through the reader, versions. */
export function rpmLuaHost(expander: MacroExpander, machine: () => LuaMachine): LuaHost {
  const { host, scope } = expander;
  const read = (path: LuaValue): Uint8Array | undefined => host.reader?.read(text(path));
  return {
    print: (value) => {
      machine().print(text(value));
      return { results: [] };
    },
    expand: (value) => ({ results: [expander.expandInside(text(value))] }),
    define: (value) => {
      const parsed = parseDefinition(text(value), 0, true);
      if ("error" in parsed) throw expander.error(parsed.code, parsed.error);
      const { name, options, body } = parsed;
      scope.push({ name, options, body, level: macroLevel.global });
      return { results: [] };
    },
    undefine: (value) => {
      scope.pop(text(value));
      return { results: [] };
    },
    isdefined: (value) => {
      const { isDefined, isParametric } = expander.describe(text(value));
      return { results: [isDefined, isParametric] };
    },
    callmacro: (name, values) => {
      const words = Array.isArray(values) ? values.map((one: LuaValue) => text(one)) : [];
      return { results: [expander.callByName(text(name), words)] };
    },
    load: (path) => {
      const bytes = read(path);
      if (bytes === undefined) return { results: [-1] };
      const { definitions } = loadMacroText(Buffer.from(bytes).toString("utf8"), text(path));
      for (const definition of definitions) scope.push(definition);
      return { results: [0] };
    },
    read: (path) => {
      const bytes = read(path);
      return { results: [bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8")] };
    },
    exists: (path) => ({ results: [read(path) !== undefined] }),
    exhausted: () => ({ results: [machine().chargeProtectedCall()] }),
    getenv: (name) => ({ results: [host.environment[text(name)]] }),
    vercmp: (left, right) => ({ results: [compareVersions(text(left), text(right))] }),
    evrcmp: (left, right) => ({ results: [compareEvr(text(left), text(right))] }),
    splitargs: (value) => ({
      results: [splitWords(text(value), (one) => one === " " || one === "\t")],
    }),
    unsplitargs: (values) => ({
      results: [quoteWords(Array.isArray(values) ? values.map((one: LuaValue) => text(one)) : [])],
    }),
    b64encode: (value) => ({ results: [Buffer.from(text(value)).toString("base64")] }),
    b64decode: (value) => ({ results: [Buffer.from(text(value), "base64").toString("utf8")] }),
    date: (format, time) => ({
      results: [formatDate(text(format ?? "%c"), seconds(expander, time))],
    }),
    time: () => ({ results: [seconds(expander, undefined)] }),
  };
}

function text(value: LuaValue): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : String(value);
}

/** The time given, else SOURCE_DATE_EPOCH: there is no clock. */
function seconds(expander: MacroExpander, time: LuaValue): number {
  if (time !== undefined) return Number(time);
  const epoch = expander.host.environment["SOURCE_DATE_EPOCH"];
  if (epoch === undefined) {
    throw expander.error("lua-clock", "the time is not known: SOURCE_DATE_EPOCH is not set");
  }
  return Number(epoch);
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months =
  "January February March April May June July August September October November December".split(
    " ",
  );

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** strftime(3) in the C locale and UTC. */
export function formatDate(format: string, timeSeconds: number): string {
  const date = new Date(timeSeconds * 1000);
  const day = days[date.getUTCDay()] ?? "";
  const month = months[date.getUTCMonth()] ?? "";
  const year = String(date.getUTCFullYear());
  const yearStart = Date.UTC(date.getUTCFullYear(), 0, 1);
  const fields: Readonly<Record<string, string>> = {
    Y: year,
    y: year.slice(-2),
    m: two(date.getUTCMonth() + 1),
    d: two(date.getUTCDate()),
    e: String(date.getUTCDate()).padStart(2, " "),
    H: two(date.getUTCHours()),
    M: two(date.getUTCMinutes()),
    S: two(date.getUTCSeconds()),
    j: String(Math.floor((date.getTime() - yearStart) / 86_400_000) + 1).padStart(3, "0"),
    s: String(timeSeconds),
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    B: month,
    u: String(date.getUTCDay() === 0 ? 7 : date.getUTCDay()),
    w: String(date.getUTCDay()),
    Z: "UTC",
    z: "+0000",
    n: "\n",
    t: "\t",
    "%": "%",
  };
  const composed = format
    .replaceAll("%F", "%Y-%m-%d")
    .replaceAll("%T", "%H:%M:%S")
    .replaceAll("%R", "%H:%M")
    .replaceAll("%D", "%m/%d/%y")
    .replaceAll("%c", "%a %b %e %H:%M:%S %Y");
  return composed.replace(/%[-_0^#]?([A-Za-z%])/g, (whole, letter: string) => {
    const value = fields[letter];
    if (value === undefined) return whole;
    return whole.startsWith("%-") ? value.replace(/^[0 ]+(?=.)/, "") : value;
  });
}
