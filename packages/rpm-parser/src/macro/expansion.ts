import type { MacroError, MacroHost } from "./host.ts";
import type { MacroScope } from "./scope.ts";
import type { MacroDefinition } from "./table.ts";

/** An expansion under way, as macros that are code, and scripts, see it. */
export interface Expansion {
  readonly scope: MacroScope;
  readonly host: MacroHost;
  /** The parametric macro being expanded, with its words; for Lua's `opt` and `arg`. */
  readonly current:
    | { readonly macro: MacroDefinition; readonly words: readonly string[] }
    | undefined;
  /** The Lua machine behind `%{lua:...}`. */
  readonly lua: {
    run(script: string): string;
    call(name: string, values: readonly (string | number)[]): string;
  };
  /** A failure with the way through macros to here. */
  error(code: string, message: string): MacroError;
  /** Expands text in place: one level deeper, in the present macro's scope. */
  expandText(text: string): string;
  /** Expands text from within an expansion that goes on afterwards: an expression, a script. */
  expandInside(text: string): string;
  /** Defines a macro from within the text being expanded. */
  define(name: string, options: string | undefined, body: string, isGlobal: boolean): void;
  /** What a name stands for now. */
  describe(name: string): { readonly isDefined: boolean; readonly isParametric: boolean };
  /** Expands a macro by name with words that are not looked at any more. */
  callByName(name: string, words: readonly string[]): string;
}
