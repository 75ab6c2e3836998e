import { createRequire } from "node:module";
import type auxiliaryModule from "fengari/src/lauxlib.js";
import type luaModule from "fengari/src/lua.js";
import type { LuaFunction, LuaPrototype, LuaState } from "fengari/src/lua.js";
import type librariesModule from "fengari/src/lualib.js";
import { luaPrelude } from "./prelude.ts";

const require = createRequire(import.meta.url);
let lua: typeof luaModule;
let auxiliary: typeof auxiliaryModule;
let libraries: typeof librariesModule;

/** Loads Lua for the first machine: few specs have scripts, and it is a tenth of a program's start. */
function loadLua(): void {
  // First: the other files find their constants only when this one has been loaded.
  lua ??= require("fengari/src/lua.js") as typeof lua;
  auxiliary ??= require("fengari/src/lauxlib.js") as typeof auxiliary;
  libraries ??= require("fengari/src/lualib.js") as typeof libraries;
}

/** A value that passes between Lua and its surroundings. */
export type LuaValue = undefined | boolean | number | string | readonly LuaValue[];

/** Functions that the prelude builds rpm's Lua interface from; several results are a list. */
export type LuaHost = Readonly<
  Record<string, (...values: readonly LuaValue[]) => { readonly results: readonly LuaValue[] }>
>;

/** What Lua said when a script failed. */
export class LuaError extends Error {}

/** Bounds on one script, against those that never end. */
const hookInterval = 20;
const hooksMax = 200_000;
const stackSlotsMax = 100_000;
const stringBytesMax = 2 * 1024 * 1024;
const outputCharactersMax = 16 * 1024 * 1024;

/**
 * Compiled forms of scripts by name and text. Macro files bring the same few scripts to every spec,
 * and compiling takes longer than running them. A pure function's memory: it changes no result.
 */
const compiledChunks = new Map<string, LuaPrototype>();
const compiledChunksMax = 200;
const compiledCharactersMax = 20_000;

/** A function's code without the closure last made of it, which would keep its whole machine alive. */
function unused(prototype: LuaPrototype): LuaPrototype {
  const copy = Object.create(Object.getPrototypeOf(prototype) as object) as LuaPrototype;
  return Object.assign(copy, prototype, {
    cache: null,
    p: prototype.p.map((inner) => unused(inner)),
  });
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/**
 * A Lua machine with rpm's libraries and no way to files, processes, the network or the clock but
 * through the functions it is given. It lives as long as one evaluation: globals that one script sets
 * are seen by the next, as in rpm.
 */
export class LuaMachine {
  readonly #state: LuaState;
  readonly #output: string[] = [];
  /** What was thrown by the host inside a script, to be thrown again outside. */
  #thrown: unknown;
  #hooks = 0;
  #printed = 0;

  constructor(host: LuaHost) {
    loadLua();
    const state = auxiliary.luaL_newstate();
    this.#state = state;
    const opened: readonly (readonly [string, LuaFunction])[] = [
      ["_G", libraries.luaopen_base],
      ["string", libraries.luaopen_string],
      ["table", libraries.luaopen_table],
      ["math", libraries.luaopen_math],
      ["utf8", libraries.luaopen_utf8],
      ["coroutine", libraries.luaopen_coroutine],
    ];
    for (const [name, open] of opened) {
      auxiliary.luaL_requiref(state, bytes(name), open, 1);
      lua.lua_pop(state, 1);
    }
    lua.lua_sethook(state, (inner) => this.#hook(inner), lua.LUA_MASKCOUNT, hookInterval);
    lua.lua_atnativeerror(state, (inner) => this.#nativeError(inner));
    this.#load(luaPrelude, "rpm");
    this.#pushHost(host);
    this.#call(1, 0);
  }

  /**
   * Runs a script and returns what it printed, and what it returned after that.
   *
   * @param options values of `opt`, by letter.
   * @param words values of `arg`.
   * @throws LuaError
   */
  run(
    script: string,
    name: string,
    options: ReadonlyMap<string, string>,
    words: readonly string[],
  ): string {
    const state = this.#state;
    this.#output.push("");
    const top = lua.lua_gettop(state);
    try {
      this.#load(`local opt, arg = ...;${script}`, name);
      lua.lua_createtable(state, 0, options.size);
      for (const [letter, value] of options) {
        this.#push(value);
        lua.lua_setfield(state, -2, bytes(letter));
      }
      this.#push(words);
      this.#call(2, lua.LUA_MULTRET);
      const results = lua.lua_gettop(state) - top;
      if (results > 0) {
        lua.lua_getglobal(state, bytes("print"));
        lua.lua_insert(state, -(results + 1));
        this.#call(results, 0);
      }
    } finally {
      lua.lua_settop(state, top);
      this.#thrown = undefined;
    }
    return this.#output.pop() ?? "";
  }

  /** Calls a function by an expression, as `lua:name(...)` in rpm's expressions does. */
  callFunction(name: string, values: readonly LuaValue[]): string {
    const state = this.#state;
    const top = lua.lua_gettop(state);
    try {
      this.#load(`return (${name})(...)`, name);
      for (const value of values) this.#push(value);
      this.#call(values.length, 1);
      const result = this.#value(-1);
      if (result === undefined || result === false) return "";
      return result === true ? "1" : String(result);
    } finally {
      lua.lua_settop(state, top);
      this.#thrown = undefined;
    }
  }

  /**
   * Whether a bound was reached: nothing in Lua may then catch the error and go on. Asked after
   * every protected call, which costs more than other instructions.
   */
  chargeProtectedCall(): boolean {
    this.#hooks += 10;
    return this.#hooks > hooksMax;
  }

  /** Adds to one of the lists that rpm keeps for scripts: `sources`, `patch_nums` ... */
  append(list: string, value: LuaValue): void {
    const state = this.#state;
    lua.lua_getglobal(state, bytes(list));
    if (lua.lua_type(state, -1) === lua.LUA_TTABLE) {
      this.#push(value);
      lua.lua_rawseti(state, -2, lua.lua_rawlen(state, -2) + 1);
    }
    lua.lua_pop(state, 1);
  }

  /** Makes one of those lists empty. */
  clear(list: string): void {
    lua.lua_createtable(this.#state, 0, 0);
    lua.lua_setglobal(this.#state, bytes(list));
  }

  /** What `print` does inside a script. */
  print(text: string): void {
    this.#printed += text.length;
    if (this.#printed > outputCharactersMax) throw new LuaError("the script prints too much");
    const last = this.#output.length - 1;
    if (last >= 0) this.#output[last] += text;
  }

  #load(script: string, name: string): void {
    const key = `${name}\0${script}`;
    const known = compiledChunks.get(key);
    const text = bytes(known === undefined ? script : "");
    if (auxiliary.luaL_loadbuffer(this.#state, text, text.length, bytes(name)) !== 0) {
      throw new LuaError(`invalid syntax in lua script: ${this.#message()}`);
    }
    const chunk = this.#state.stack[this.#state.top - 1]?.value;
    if (chunk?.p === undefined) return;
    if (known !== undefined) chunk.p = unused(known);
    else if (compiledChunks.size < compiledChunksMax && key.length <= compiledCharactersMax) {
      compiledChunks.set(key, unused(chunk.p));
    }
  }

  #call(inputs: number, outputs: number): void {
    if (lua.lua_pcall(this.#state, inputs, outputs, 0) === 0) return;
    if (this.#thrown !== undefined) {
      const thrown = this.#thrown;
      this.#thrown = undefined;
      this.#output.pop();
      throw thrown;
    }
    const message = this.#message();
    this.#output.pop();
    throw new LuaError(`lua script failed: ${message}`);
  }

  #message(): string {
    return Buffer.from(auxiliary.luaL_tolstring(this.#state, -1)).toString("utf8");
  }

  #pushHost(host: LuaHost): void {
    const state = this.#state;
    lua.lua_createtable(state, 0, Object.keys(host).length);
    for (const [name, run] of Object.entries(host)) {
      lua.lua_pushcfunction(state, (inner) => this.#callHost(inner, run));
      lua.lua_setfield(state, -2, bytes(name));
    }
  }

  #callHost(state: LuaState, run: LuaHost[string]): number {
    const values = Array.from({ length: lua.lua_gettop(state) }, (_, index) =>
      this.#value(index + 1, state),
    );
    let results: readonly LuaValue[];
    try {
      ({ results } = run(...values));
    } catch (error) {
      this.#thrown = error;
      return auxiliary.luaL_error(state, bytes(error instanceof Error ? error.message : "failed"));
    }
    for (const result of results) this.#push(result, state);
    return results.length;
  }

  #push(value: LuaValue, state: LuaState = this.#state): void {
    if (value === undefined) lua.lua_pushnil(state);
    else if (typeof value === "boolean") lua.lua_pushboolean(state, value);
    else if (typeof value === "number") lua.lua_pushinteger(state, value);
    else if (typeof value === "string") {
      const text = bytes(value);
      lua.lua_pushlstring(state, text, text.length);
    } else {
      lua.lua_createtable(state, value.length, 0);
      for (const [index, item] of value.entries()) {
        this.#push(item, state);
        lua.lua_rawseti(state, -2, index + 1);
      }
    }
  }

  #value(index: number, state: LuaState = this.#state): LuaValue {
    const type = lua.lua_type(state, index);
    if (type === lua.LUA_TNIL) return undefined;
    if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(state, index);
    if (type === lua.LUA_TTABLE) {
      return Array.from({ length: lua.lua_rawlen(state, index) }, (_, item) => {
        lua.lua_rawgeti(state, index, item + 1);
        const value = this.#value(-1, state);
        lua.lua_pop(state, 1);
        return typeof value === "object" ? undefined : value;
      });
    }
    // tolstring turns a number on the stack into a string; a copy keeps the caller's value.
    lua.lua_pushvalue(state, index);
    const text = auxiliary.luaL_tolstring(state, -1);
    lua.lua_pop(state, 2);
    return Buffer.from(text).toString("utf8");
  }

  /** Ends scripts that run on without end, and strings that grow without end. */
  #hook(state: LuaState): number {
    this.#hooks += 1;
    if (this.#hooks > hooksMax) auxiliary.luaL_error(state, bytes("the script runs too long"));
    if (state.stack.length > stackSlotsMax) auxiliary.luaL_error(state, bytes("stack overflow"));
    for (let at = state.ci.funcOff; at < state.top; at += 1) {
      const length = state.stack[at]?.value?.realstring?.length;
      if (length !== undefined && length > stringBytesMax) {
        auxiliary.luaL_error(state, bytes("a string of the script is too large"));
      }
    }
    return 0;
  }

  /** A JavaScript error inside the machine, such as a full stack, is an error of the script. */
  #nativeError(state: LuaState): number {
    const error = lua.lua_touserdata(state, -1);
    this.#push(error instanceof Error ? error.message : "internal error", state);
    return 1;
  }
}
