/** The words of a section header after its name, as popt(3) sorts them. */
export interface HeaderOptions {
  /** Values by option letter; an option without a value has "". */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly words: readonly string[];
  /** What is wrong with the line, in rpm's words. */
  readonly error: string | undefined;
}

/**
 * Splits text into words with quotes and backslashes as popt(3) does.
 *
 * @returns undefined when a quote is not closed.
 */
export function splitQuotedWords(text: string): readonly string[] | undefined {
  if (!/["'\\]/.test(text)) return text.split(/[ \t\n\v\f\r]+/).filter((word) => word !== "");
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else if (character === "\\") {
        at += 1;
        const next = text[at];
        if (next === undefined) return undefined;
        word = (word ?? "") + (next === quote ? next : `\\${next}`);
      } else word = (word ?? "") + character;
    } else if (/[ \t\n\v\f\r]/.test(character)) {
      if (word !== undefined && word !== "") words.push(word);
      word = undefined;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (character === "\\") {
      at += 1;
      const next = text[at];
      if (next === undefined) return undefined;
      word = (word ?? "") + next;
    } else word = (word ?? "") + character;
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined && word !== "") words.push(word);
  return words;
}

/**
 * Sorts a header's words into options and the rest.
 *
 * @param withValue letters of the options that take a value.
 * @param withoutValue letters of the others.
 */
export function parseHeaderOptions(
  text: string,
  withValue: string,
  withoutValue = "",
): HeaderOptions {
  const options = new Map<string, string[]>();
  const rest: string[] = [];
  const all = splitQuotedWords(text);
  if (all === undefined) return { options, words: [], error: "a quote is not closed" };
  for (let index = 0; index < all.length; index += 1) {
    const word = all[index] ?? "";
    if (word === "--") {
      rest.push(...all.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at += 1) {
      const letter = word.charAt(at);
      if (withoutValue.includes(letter)) {
        options.set(letter, [...(options.get(letter) ?? []), ""]);
        continue;
      }
      if (!withValue.includes(letter)) {
        return { options, words: rest, error: `Bad option ${word}` };
      }
      const attached = word.slice(at + 1).replace(/^=/, "");
      if (attached === "") index += 1;
      const value = attached === "" ? all[index] : attached;
      if (value === undefined)
        return { options, words: rest, error: `missing argument of ${word}` };
      options.set(letter, [...(options.get(letter) ?? []), value]);
      break;
    }
  }
  return { options, words: rest, error: undefined };
}
