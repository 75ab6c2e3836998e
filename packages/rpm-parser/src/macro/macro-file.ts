import { parseDefinition } from "./define.ts";
import { OpenBrackets } from "./scan.ts";
import { type MacroSource, macroLevel, MacroTable } from "./table.ts";

export interface MacroFileProblem {
  readonly code: string;
  readonly message: string;
  readonly line: number;
}

/**
 * Reads the definitions of a macro file in order (rpm's `loadMacroFile`): lines that start with `%`,
 * joined by a backslash at the end or by open brackets; every other line is a comment.
 */
export function loadMacroText(
  text: string,
  file: string,
): { definitions: readonly MacroSource[]; problems: readonly MacroFileProblem[] } {
  const definitions: MacroSource[] = [];
  const problems: MacroFileProblem[] = [];
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const first = trimLineEnd(lines[index] ?? "");
    if (!/^[ \t]*%/.test(first)) continue;
    const line = index + 1;
    const open = new OpenBrackets();
    let joined = first;
    open.feed(first, 0, first.length);
    while (
      ((lines[index] !== undefined && joined.endsWith("\\")) || open.hasOpenBracket) &&
      index + 1 < lines.length
    ) {
      index += 1;
      const next = trimLineEnd(lines[index] ?? "");
      joined += `\n${next}`;
      open.feed(next, 0, next.length);
    }
    const parsed = parseDefinition(joined, joined.indexOf("%") + 1, true);
    if ("error" in parsed) {
      problems.push({ code: parsed.code, message: parsed.error, line });
      continue;
    }
    definitions.push({
      name: parsed.name,
      options: parsed.options,
      body: parsed.body,
      level: macroLevel.macroFiles,
      place: { file, line },
    });
  }
  return { definitions, problems };
}

function trimLineEnd(line: string): string {
  return line.replace(/\r+$/, "");
}

/**
 * A table with the definitions of a macro file (the format of `/usr/lib/rpm/macros`) on top of
 * another. Definitions that cannot be read are left out, as rpm does after a warning.
 *
 * @param file named in the places of the definitions.
 */
export function parseMacroFile(
  text: string,
  base: MacroTable = new MacroTable(),
  file = "macros",
): MacroTable {
  return base.with(loadMacroText(text, file).definitions);
}
