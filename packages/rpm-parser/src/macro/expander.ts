import { parseArguments, quoteWords, splitWords } from "./arguments.ts";
import { builtinOf } from "./builtin.ts";
import type { Builtin } from "./builtin-kind.ts";
import { bareCall, bracedCall, type Call, skipMarks } from "./call.ts";
import { evaluateExpression } from "./expression.ts";
import type { Expansion } from "./expansion.ts";
import { ExpressionError, type ExpressionValue, formatValue } from "./expression-token.ts";
import { type ChainLink, type MacroHost, MacroError } from "./host.ts";
import { LuaMacros } from "./lua-macro.ts";
import { macroEnd } from "./scan.ts";
import type { MacroScope } from "./scope.ts";
import { type MacroDefinition, macroLevel } from "./table.ts";

/** rpm's own limit on macros inside macros. */
const depthMax = 64;
/** `%[...]` starts rpm's count anew; this bounds the two together. */
const nestingMax = 200;
/** Bounds on what one evaluation may make of a spec, against expansion bombs. */
const outputCharactersMax = 64 * 1024 * 1024;
const callsMax = 2_000_000;

/**
 * Expands macros as rpm does (rpm's `rpmio/macro.c`), over the scope of one evaluation. A failure is
 * a {@link MacroError}; what it left half-done in the scope stays, as in rpm.
 */
export class MacroExpander implements Expansion {
  readonly scope: MacroScope;
  readonly host: MacroHost;
  /** The parametric macro being expanded, with its words; for Lua's `opt` and `arg`. */
  current: { readonly macro: MacroDefinition; readonly words: readonly string[] } | undefined;
  /** The Lua machine behind `%{lua:...}`. */
  readonly lua: LuaMacros;
  /** Macros that are code for as long as a section is read, before all others of their names. */
  readonly auxiliary = new Map<string, Builtin>();
  #depth = 0;
  #nesting = 0;
  #level = 0;
  #calls = 0;
  #outputCharacters = 0;
  #chain: ChainLink[] = [];

  constructor(scope: MacroScope, host: MacroHost) {
    this.scope = scope;
    this.host = host;
    this.lua = new LuaMacros(this);
  }

  /** How deep in parametric macros the expansion is; definitions made now end with that one. */
  get level(): number {
    return this.#level;
  }

  /** The macros being expanded, outermost first. */
  get chain(): readonly ChainLink[] {
    return this.#chain;
  }

  /** Expands text from outside any macro: a line of a spec, or a value. */
  expand(text: string): string {
    if (!text.includes("%")) return text;
    const before = { depth: this.#depth, level: this.#level, chain: this.#chain };
    this.#depth = 0;
    this.#nesting += 1;
    try {
      if (this.#nesting > nestingMax) throw this.error("macro-recursion", tooDeep);
      return this.unquote(this.expandText(text));
    } finally {
      this.#depth = before.depth;
      this.#level = before.level;
      this.#chain = before.chain;
      this.#nesting -= 1;
    }
  }

  error(code: string, message: string): MacroError {
    return new MacroError(code, message, this.#chain);
  }

  /** Removes `%{quote:}`'s marks, which rpm 4.20 keeps only inside arguments. */
  unquote(text: string): string {
    return this.host.dialect === "4.20" && text.includes("\u001f")
      ? text.replaceAll("\u001f", "")
      : text;
  }

  /** Expands text in place: one level deeper, in the present macro's scope. */
  expandText(text: string): string {
    if (!text.includes("%")) return text;
    this.#depth += 1;
    try {
      if (this.#depth > depthMax) throw this.error("macro-recursion", tooDeep);
      return this.#expandCalls(text);
    } finally {
      this.#depth -= 1;
    }
  }

  #expandCalls(text: string): string {
    let result = "";
    let at = 0;
    for (;;) {
      const percent = text.indexOf("%", at);
      if (percent < 0 || percent + 1 >= text.length) return result + text.slice(at);
      result += text.slice(at, percent);
      at = percent + 1;
      if (text[at] === "%") {
        result += "%";
        at += 1;
        continue;
      }
      const end = macroEnd(text, at);
      if (end < 0) {
        const rest = text.slice(at, at + 80);
        throw this.error("macro-unterminated", `Unterminated ${text.charAt(at)}: ${rest}`);
      }
      const start = result.length;
      const opening = text[at];
      if (opening === "(") {
        result += this.#shell(text.slice(at + 1, end - 1));
        at = end;
      } else if (opening === "[") {
        result += this.#expression(text.slice(at + 1, end - 1));
        at = end;
      } else {
        const call = opening === "{" ? bracedCall(text, at, end) : bareCall(text, at, end);
        const done = this.#call(text, at, call);
        result += done.output;
        at = done.end;
      }
      this.#count(result.length - start);
    }
  }

  #count(characters: number): void {
    this.#calls += 1;
    this.#outputCharacters += characters;
    if (this.#calls > callsMax || this.#outputCharacters > outputCharactersMax) {
      throw this.error("macro-too-large", "the macros of this spec expand to too much");
    }
  }

  #call(text: string, at: number, call: Call): { output: string; end: number } {
    const { name, end } = call;
    if (name === "") return { output: "%", end: skipMarks(text, at) };
    const definition = this.#lookup(name);
    const builtin = definition === undefined ? this.#builtin(name) : undefined;
    const isDefined = definition !== undefined || builtin !== undefined;
    if (call.asks || name.startsWith("-")) {
      if (isDefined === call.isNegated) return { output: "", end };
      if (call.colon !== undefined && call.colon !== "") {
        return { output: this.expandText(call.colon), end };
      }
      return { output: this.#value(name, definition, builtin), end };
    }
    // An unknown macro stays as it stands; what is inside its braces is still looked at.
    if (!isDefined) return { output: "%", end: text[at] === "{" ? at : skipMarks(text, at) };
    if (builtin !== undefined) return this.#callBuiltin(text, call, name, builtin);
    if (definition?.options === undefined) {
      return { output: this.#value(name, definition, undefined), end };
    }
    const words = this.#words(call);
    const output = this.callMacro(definition, words ?? []);
    return { output, end: call.words === undefined ? end : call.wordsEnd };
  }

  /** The words of a parametric call, expanded; undefined when it has none. */
  #words(call: Call): string[] | undefined {
    if (call.colon !== undefined) return [this.unquote(this.expandText(call.colon))];
    if (call.words === undefined) return undefined;
    return splitWords(this.expandText(call.words), (one) => one === " " || one === "\t");
  }

  #callBuiltin(
    text: string,
    call: Call,
    name: string,
    builtin: Builtin,
  ): { output: string; end: number } {
    if (builtin.isRaw) {
      if (call.isBare) {
        const { output, consumed } = builtin.run(this, name, [text.slice(call.end)], true);
        return { output, end: call.end + (consumed ?? 0) };
      }
      const raw = call.colon ?? call.words;
      const { output } = builtin.run(this, name, raw === undefined ? [] : [raw], false);
      return { output, end: call.end };
    }
    const takesWords = !call.isBare || builtin.arguments !== "none";
    const words = takesWords ? (this.#words(call) ?? []) : [];
    this.#checkArguments(name, builtin, words);
    const { output } = builtin.run(this, name, words, false);
    return { output, end: takesWords && call.words !== undefined ? call.wordsEnd : call.end };
  }

  #checkArguments(name: string, builtin: Builtin, words: readonly string[]): void {
    if (builtin.arguments === "some" && words.length === 0) {
      throw this.error("macro-argument", `%${name}: argument expected`);
    }
    if (builtin.arguments === "none" && words.length > 0) {
      throw this.error("macro-argument", `%${name}: unexpected argument`);
    }
  }

  #builtin(name: string): Builtin | undefined {
    return this.auxiliary.get(name) ?? builtinOf(name, this.host.dialect);
  }

  /** Automatic macros of an outer parametric macro cannot be seen in an inner one. */
  #lookup(name: string): MacroDefinition | undefined {
    if (this.auxiliary.has(name)) return undefined;
    const definition = this.scope.get(name);
    if (definition?.isAutomatic === true && this.#level > definition.level) return undefined;
    return definition;
  }

  /** A macro's value without arguments of its own. */
  #value(
    name: string,
    definition: MacroDefinition | undefined,
    builtin: Builtin | undefined,
  ): string {
    if (definition === undefined) {
      if (builtin === undefined) return "";
      this.#checkArguments(name, builtin, []);
      return builtin.run(this, name, [], false).output;
    }
    if (definition.isLiteral || !definition.body.includes("%")) return definition.body;
    const chain = this.#chain;
    this.#chain = [...chain, { through: `%${name}`, place: definition.place }];
    const output = this.expandText(definition.body);
    this.#chain = chain;
    return output;
  }

  /** Expands a parametric macro with these words, the macro's own name not among them. */
  callMacro(macro: MacroDefinition, words: readonly string[]): string {
    this.host.called?.(macro.name, words);
    if (macro.body === "") return "";
    const before = { current: this.current, chain: this.#chain };
    this.#chain = [...before.chain, { through: `%${macro.name}`, place: macro.place }];
    this.#level += 1;
    try {
      this.#pushArguments(macro, words);
      this.current = { macro, words };
      return macro.isLiteral ? macro.body : this.expandText(macro.body);
    } finally {
      this.scope.endLevel(this.#level, this.host.dialect === "4.20");
      this.#level -= 1;
      this.current = before.current;
      this.#chain = before.chain;
    }
  }

  #pushArguments(macro: MacroDefinition, words: readonly string[]): void {
    const push = (name: string, body: string): void =>
      this.scope.push({ name, body, level: this.#level, isLiteral: true, isAutomatic: true });
    push("0", macro.name);
    push("**", this.host.dialect === "4.20" ? quoteWords(words) : words.join(" "));
    const letters = macro.options ?? "";
    const { options, rest, unknown } = parseArguments(letters, words);
    for (const { letter, value } of options) {
      push(`-${letter}`, value === undefined ? `-${letter}` : `-${letter} ${value}`);
      if (value !== undefined) push(`-${letter}*`, value);
    }
    if (unknown !== undefined) {
      throw this.error("macro-option", `Unknown option ${unknown} in ${macro.name}(${letters})`);
    }
    push("#", String(rest.length));
    for (const [index, word] of rest.entries()) push(String(index + 1), word);
    push("*", rest.join(" "));
  }

  /** Defines a macro from within the text being expanded. */
  define(name: string, options: string | undefined, body: string, isGlobal: boolean): void {
    this.scope.push({
      name,
      options,
      body: isGlobal ? this.expandText(body) : body,
      level: isGlobal ? macroLevel.global : this.#level,
      place: this.#chain.at(-1)?.place,
    });
  }

  #shell(command: string): string {
    const result = this.host.shell(this.unquote(this.expandText(command)));
    if ("output" in result) return result.output.replace(/[\r\n]+$/, "");
    this.host.report("warning", "shell-not-run", `%(...) is not known: ${result.unknown}`);
    return "";
  }

  #expression(text: string): string {
    const level = this.#level;
    // rpm 4.18 expands inside %[...] as if outside any macro.
    if (this.host.dialect === "4.18") this.#level = 0;
    try {
      return formatValue(
        evaluateExpression(text, {
          expand: (part) => this.expandInside(part),
          call: (name, values) => this.callLua(name, values),
        }),
      );
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw this.error("expression", `${error.message}: ${text.slice(0, 200)}`);
    } finally {
      this.#level = level;
    }
  }

  /** Expands text from within an expansion that goes on afterwards: an expression, a script. */
  expandInside(text: string): string {
    const level = this.#level;
    const chain = this.#chain;
    this.#nesting += 1;
    try {
      if (this.#nesting > nestingMax) throw this.error("macro-recursion", tooDeep);
      return this.unquote(this.expandText(text));
    } finally {
      this.#level = level;
      this.#chain = chain;
      this.#nesting -= 1;
    }
  }

  /** Calls a Lua function from an expression. */
  callLua(name: string, values: readonly ExpressionValue[]): string {
    const plain = values.map((one) => {
      if (one.type === "version") throw new ExpressionError("unsupported argument type", 0);
      return one.value;
    });
    return this.lua.call(name, plain);
  }

  /** What a name stands for now. */
  describe(name: string): { readonly isDefined: boolean; readonly isParametric: boolean } {
    const definition = this.#lookup(name);
    const builtin = definition === undefined ? this.#builtin(name) : undefined;
    return {
      isDefined: definition !== undefined || builtin !== undefined,
      isParametric:
        definition?.options !== undefined ||
        (builtin !== undefined && builtin.arguments !== "none"),
    };
  }

  /** Expands a macro by name with words that are not looked at any more. */
  callByName(name: string, words: readonly string[]): string {
    const definition = this.scope.get(name);
    if (definition === undefined) {
      return builtinOf(name, this.host.dialect)?.run(this, name, words, false).output ?? "";
    }
    if (definition.options === undefined) return this.#value(name, definition, undefined);
    this.#depth += 1;
    try {
      if (this.#depth > depthMax) throw this.error("macro-recursion", tooDeep);
      return this.callMacro(definition, words);
    } finally {
      this.#depth -= 1;
    }
  }
}

const tooDeep =
  "Too many levels of recursion in macro expansion. It is likely caused by recursive macro declaration.";
