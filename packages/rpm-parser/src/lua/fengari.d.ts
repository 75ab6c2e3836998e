/**
 * The parts of fengari, a Lua 5.3 machine in JavaScript, that are used here. They follow Lua's own C
 * interface (the Lua 5.3 reference manual, chapters 4 and 5). Strings are bytes. Of its libraries only
 * those are opened that reach neither files nor processes.
 */
declare module "fengari/src/lua.js" {
  export interface LuaState {
    readonly ci: { readonly funcOff: number };
    readonly top: number;
    readonly stack: readonly (
      | { readonly value?: { readonly realstring?: Uint8Array; p?: LuaPrototype } }
      | undefined
    )[];
  }
  /** The code of a function; the machine does not change it but for `cache`. */
  export interface LuaPrototype {
    readonly p: readonly LuaPrototype[];
    readonly cache: unknown;
  }
  export type LuaFunction = (state: LuaState) => number;
  interface Lua {
    readonly LUA_MULTRET: number;
    readonly LUA_MASKCOUNT: number;
    readonly LUA_TNIL: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TTABLE: number;
    lua_close(state: LuaState): void;
    lua_gettop(state: LuaState): number;
    lua_settop(state: LuaState, index: number): void;
    lua_pop(state: LuaState, count: number): void;
    lua_pushvalue(state: LuaState, index: number): void;
    lua_pushnil(state: LuaState): void;
    lua_pushboolean(state: LuaState, value: boolean): void;
    lua_pushinteger(state: LuaState, value: number): void;
    lua_pushlstring(state: LuaState, value: Uint8Array, length: number): void;
    lua_pushcfunction(state: LuaState, value: LuaFunction): void;
    lua_createtable(state: LuaState, items: number, fields: number): void;
    lua_setglobal(state: LuaState, name: Uint8Array): void;
    lua_getglobal(state: LuaState, name: Uint8Array): number;
    lua_setfield(state: LuaState, index: number, name: Uint8Array): void;
    lua_rawseti(state: LuaState, index: number, key: number): void;
    lua_rawgeti(state: LuaState, index: number, key: number): number;
    lua_rawlen(state: LuaState, index: number): number;
    lua_insert(state: LuaState, index: number): void;
    lua_type(state: LuaState, index: number): number;
    lua_toboolean(state: LuaState, index: number): boolean;
    lua_tolstring(state: LuaState, index: number): Uint8Array | null;
    lua_pcall(state: LuaState, inputs: number, outputs: number, handler: number): number;
    lua_atnativeerror(state: LuaState, handler: LuaFunction): void;
    lua_touserdata(state: LuaState, index: number): unknown;
    lua_sethook(state: LuaState, hook: LuaFunction, mask: number, count: number): void;
  }
  const lua: Lua;
  export default lua;
}

declare module "fengari/src/lauxlib.js" {
  import type { LuaFunction, LuaState } from "fengari/src/lua.js";
  interface LuaAuxiliary {
    luaL_newstate(): LuaState;
    luaL_loadbuffer(state: LuaState, text: Uint8Array, length: number, name: Uint8Array): number;
    luaL_requiref(state: LuaState, name: Uint8Array, open: LuaFunction, isGlobal: number): void;
    luaL_tolstring(state: LuaState, index: number): Uint8Array;
    luaL_error(state: LuaState, message: Uint8Array): never;
  }
  const auxiliary: LuaAuxiliary;
  export default auxiliary;
}

declare module "fengari/src/lualib.js" {
  import type { LuaFunction } from "fengari/src/lua.js";
  interface LuaLibraries {
    readonly luaopen_base: LuaFunction;
    readonly luaopen_string: LuaFunction;
    readonly luaopen_table: LuaFunction;
    readonly luaopen_math: LuaFunction;
    readonly luaopen_utf8: LuaFunction;
    readonly luaopen_coroutine: LuaFunction;
  }
  const libraries: LuaLibraries;
  export default libraries;
}
