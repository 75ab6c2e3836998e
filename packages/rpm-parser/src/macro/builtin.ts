import { ownValue } from "./own-value.ts";
import { quoteWords } from "./arguments.ts";
import type { Builtin } from "./builtin-kind.ts";
import { isValidName, parseDefinition } from "./define.ts";
import { evaluateExpression } from "./expression.ts";
import { ExpressionError, formatValue } from "./expression-token.ts";
import { isThere, type RpmDialect } from "./host.ts";
import { loadMacroText } from "./macro-file.ts";
import { stringBuiltins } from "./string-builtin.ts";

function output(severity: "note" | "warning"): Builtin {
  return {
    arguments: "some",
    isRaw: false,
    run: (expander, name, words) => {
      expander.host.report(severity, `macro-${name}`, words[0] ?? "");
      return { output: "" };
    },
  };
}

function definer(isGlobal: boolean): Builtin {
  return {
    arguments: "some",
    isRaw: true,
    run: (expander, name, words, isFreeField) => {
      const text = words[0];
      if (text === undefined) throw expander.error("macro-argument", `%${name}: argument expected`);
      const parsed = parseDefinition(text, 0, isFreeField);
      if ("error" in parsed) throw expander.error(parsed.code, `${parsed.error} (%${name})`);
      if (builtinOf(parsed.name, expander.host.dialect) !== undefined) {
        throw expander.error("macro-builtin", `Macro %${parsed.name} is a built-in (%${name})`);
      }
      if (parsed.lacksBlank) {
        const message = `Macro %${parsed.name} needs whitespace before body`;
        expander.host.report("warning", "macro-whitespace", message);
      }
      expander.define(parsed.name, parsed.options, parsed.body, isGlobal);
      return { output: "", consumed: parsed.end };
    },
  };
}

const undefine: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, name, words) => {
    const target = words[0] ?? "";
    if (!isValidName(target)) {
      throw expander.error("macro-name", `Macro %${target} has illegal name (%${name})`);
    }
    if (builtinOf(target, expander.host.dialect) !== undefined) {
      throw expander.error("macro-builtin", `Macro %${target} is a built-in (%${name})`);
    }
    expander.scope.pop(target);
    return { output: "" };
  },
};

const comment: Builtin = {
  arguments: "some",
  isRaw: true,
  run: (_expander, _name, words, isFreeField) => {
    const text = words[0] ?? "";
    const end = isFreeField ? text.search(/[\r\n]/) : -1;
    return { output: "", consumed: end < 0 ? text.length : end + 1 };
  },
};

const fail: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => {
    throw expander.error("macro-error", words[0] ?? "");
  },
};

const expand: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => ({ output: expander.expandText(words[0] ?? "") }),
};

const expression: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => {
    const text = words[0] ?? "";
    try {
      return { output: formatValue(evaluateExpression(text, { expand: undefined })) };
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw expander.error("expression", `${error.message}: ${text.slice(0, 200)}`);
    }
  },
};

const load: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => {
    const file = words[0] ?? "";
    const bytes = expander.host.reader?.read(file);
    if (bytes === undefined) {
      throw expander.error("macro-load", `failed to load macro file ${file}`);
    }
    const { definitions, problems } = loadMacroText(Buffer.from(bytes).toString("utf8"), file);
    for (const definition of definitions) expander.scope.push(definition);
    for (const problem of problems) {
      expander.host.report("warning", problem.code, problem.message);
    }
    return { output: "" };
  },
};

const exists: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => ({
    output: isThere(expander.host.reader, words[0] ?? "") ? "1" : "0",
  }),
};

const body: Builtin = {
  arguments: "some",
  isRaw: false,
  run: (expander, _name, words) => {
    const definition = expander.scope.get(words[0] ?? "");
    if (definition === undefined) {
      throw expander.error("macro-unknown", `no such macro: '${words[0] ?? ""}'`);
    }
    return { output: definition.body };
  },
};

function numbered(prefix: string): Builtin {
  return {
    arguments: "some",
    isRaw: false,
    run: (expander, _name, words) => ({
      output: expander.expandText(`%${prefix}${words[0] ?? ""}`),
    }),
  };
}

/** Whether rpm is verbose; it never is here, so the text is left out. */
const verbose: Builtin = {
  arguments: "any",
  isRaw: true,
  run: (_expander, _name, words, isFreeField) => ({
    output: isFreeField || words.length === 0 ? "0" : "",
    consumed: 0,
  }),
};

const processors: Builtin = {
  arguments: "any",
  isRaw: false,
  run: (expander) => ({ output: String(expander.host.processors) }),
};

const nothing: Builtin = { arguments: "none", isRaw: false, run: () => ({ output: "" }) };

const lua: Builtin = {
  arguments: "some",
  isRaw: true,
  run: (expander, _name, words) => ({ output: expander.lua.run(words[0] ?? "") }),
};

const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  ["P", numbered("PATCH")],
  ["S", numbered("SOURCE")],
  ["define", definer(false)],
  ["global", definer(true)],
  ["undefine", undefine],
  ["dnl", comment],
  ["dump", nothing],
  ["trace", nothing],
  ["echo", output("note")],
  ["warn", output("warning")],
  ["error", fail],
  ["expand", expand],
  ["expr", expression],
  ["load", load],
  ["exists", exists],
  ["macrobody", body],
  ["verbose", verbose],
  ["getncpus", processors],
  ["lua", lua],
  [
    "getenv",
    {
      arguments: "some",
      isRaw: false,
      run: (expander, _name, words) => ({
        output: ownValue(expander.host.environment, words[0] ?? "") ?? "",
      }),
    },
  ],
  ["getconfdir", { arguments: "none", isRaw: false, run: () => ({ output: "/usr/lib/rpm" }) }],
  [
    "rpmversion",
    {
      arguments: "none",
      isRaw: false,
      since: "4.20",
      run: (expander) => ({ output: `${expander.host.dialect}.0` }),
    },
  ],
  [
    "quote",
    {
      arguments: "some",
      isRaw: false,
      run: (_expander, _name, words) => ({ output: quoteWords(words) }),
    },
  ],
  [
    "uncompress",
    {
      arguments: "some",
      isRaw: false,
      run: (expander, _name, words) => ({
        output: expander.expandText("%__rpmuncompress ") + (words[0] ?? ""),
      }),
    },
  ],
  ...stringBuiltins,
]);

/** The builtin of this name in the given rpm, if there is one. */
export function builtinOf(name: string, dialect: RpmDialect): Builtin | undefined {
  const builtin = builtins.get(name);
  return builtin?.since === "4.20" && dialect === "4.18" ? undefined : builtin;
}
