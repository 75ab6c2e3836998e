import { evaluateSpec, type MacroTable, parseSpec } from "rpm-parser";

const begin = "\uF8F0";
const end = "\uF8F1";

/**
 * Expands pieces of a spec with the macros that its evaluation ended with. Each piece must have its
 * brackets closed. A piece that cannot be expanded comes back as it is.
 */
export function expandTexts(texts: Iterable<string>, macros: MacroTable): Map<string, string> {
  const found = new Map<string, string>();
  const asked: string[] = [];
  for (const text of texts) {
    if (found.has(text)) continue;
    found.set(text, text);
    if (text.includes("%")) asked.push(text);
  }
  if (asked.length === 0) return found;
  // A description is expanded line by line and not looked at any further.
  const lines = asked.map((text, index) => `${begin}${index}:${text}${end}\n`);
  const { expandedText } = evaluateSpec(parseSpec(`%description\n${lines.join("")}`), { macros });
  for (const [, index, text = ""] of expandedText.matchAll(expansions)) {
    const original = asked[Number(index)];
    if (original !== undefined) found.set(original, text);
  }
  return found;
}

const expansions = new RegExp(`${begin}(\\d+):([^${begin}]*)${end}`, "gs");
