import type { MacroExpander } from "./expander.ts";

/** Runs the body of `%{lua:...}`. */
export function runLuaMacro(expander: MacroExpander, script: string): string {
  expander.host.report("warning", "lua-not-run", `%{lua:} is not run: ${script.slice(0, 60)}`);
  return "";
}
