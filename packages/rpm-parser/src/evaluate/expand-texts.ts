import { MacroExpander } from "../macro/expander.ts";
import { MacroError } from "../macro/host.ts";
import { MacroScope } from "../macro/scope.ts";
import type { MacroTable } from "../macro/table.ts";

/**
 * Expands pieces of a spec, one after the other, with some macros: those that an evaluation ended
 * with, say. Nothing is run or read for it. A piece that cannot be expanded comes back as it is.
 *
 * @param texts with their brackets closed
 */
export function expandTexts(texts: Iterable<string>, macros: MacroTable): Map<string, string> {
  const expander = new MacroExpander(new MacroScope(macros), {
    dialect: "4.20",
    reader: undefined,
    environment: {},
    processors: 1,
    shell: () => ({ unknown: "nothing is run for a piece of a spec" }),
    report: () => undefined,
  });
  const expanded = new Map<string, string>();
  for (const text of texts) {
    if (!expanded.has(text)) expanded.set(text, expandedOrAsIs(expander, text));
  }
  return expanded;
}

function expandedOrAsIs(expander: MacroExpander, text: string): string {
  try {
    return expander.expand(text);
  } catch (error) {
    if (error instanceof MacroError) return text;
    throw error;
  }
}
