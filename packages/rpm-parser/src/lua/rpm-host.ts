import { ownValue } from "../macro/own-value.ts";
import { quoteWords, splitWords } from "../macro/arguments.ts";
import { parseDefinition } from "../macro/define.ts";
import { formatDate } from "../macro/date.ts";
import type { Expansion } from "../macro/expansion.ts";
import { isThere } from "../macro/host.ts";
import { loadMacroText } from "../macro/macro-file.ts";
import { macroLevel } from "../macro/table.ts";
import { compareEvr } from "../version/evr.ts";
import { compareVersions } from "../version/compare.ts";
import type { LuaHost, LuaMachine, LuaValue } from "./lua-machine.ts";

/** What rpm's Lua interface does outside Lua: macros, files through the reader, versions. */
export function rpmLuaHost(expander: Expansion, machine: () => LuaMachine): LuaHost {
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
    exists: (path) => ({ results: [isThere(host.reader, text(path))] }),
    exhausted: () => ({ results: [machine().chargeProtectedCall()] }),
    getenv: (name) => ({ results: [ownValue(host.environment, text(name))] }),
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
function seconds(expander: Expansion, time: LuaValue): number {
  if (time !== undefined) return Number(time);
  const epoch = expander.host.environment["SOURCE_DATE_EPOCH"];
  if (epoch === undefined) {
    throw expander.error("lua-clock", "the time is not known: SOURCE_DATE_EPOCH is not set");
  }
  return Number(epoch);
}
