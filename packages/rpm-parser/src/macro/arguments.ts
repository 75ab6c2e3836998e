/** The unit separator: rpm's own quote around an argument that must stay whole. */
const quote = "\u001f";

/** Splits text into words at blanks; what `%{quote:}` marked stays one word. */
export function splitWords(text: string, isSeparator: (character: string) => boolean): string[] {
  const words: string[] = [];
  let word = "";
  let hasContent = false;
  let quoted = false;
  for (const character of text) {
    if (character === quote) {
      quoted = !quoted;
      hasContent = true;
    } else if (!quoted && isSeparator(character)) {
      if (hasContent) words.push(word);
      word = "";
      hasContent = false;
    } else {
      word += character;
      hasContent = true;
    }
  }
  if (hasContent) words.push(word);
  return words;
}

/** Marks words so that they stay whole when they become arguments. */
export function quoteWords(words: readonly string[]): string {
  return words.map((word) => `${quote}${word}${quote}`).join(" ");
}

/** Options and the rest, as getopt(3) sorts a macro's arguments. */
export interface ParsedArguments {
  readonly options: readonly { readonly letter: string; readonly value: string | undefined }[];
  readonly rest: readonly string[];
  /** The letter of the first option that the macro does not take or that lacks its value. */
  readonly unknown?: string;
}

/**
 * Sorts arguments by getopt(3) as glibc does: options may follow other arguments, `--` ends them.
 *
 * @param letters the macro's option letters, a colon after those that take a value; `-` switches
 *   option parsing off.
 */
export function parseArguments(letters: string, words: readonly string[]): ParsedArguments {
  if (letters === "-") return { options: [], rest: words };
  const options: { letter: string; value: string | undefined }[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "--") {
      rest.push(...words.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at += 1) {
      const letter = word.charAt(at);
      const position = letter === ":" ? -1 : letters.indexOf(letter);
      if (position < 0) return { options, rest, unknown: letter };
      if (letters[position + 1] !== ":") {
        options.push({ letter, value: undefined });
        continue;
      }
      const attached = word.slice(at + 1);
      const isOptional = letters[position + 2] === ":";
      if (attached !== "" || isOptional) {
        options.push({ letter, value: attached === "" ? undefined : attached });
      } else {
        index += 1;
        const value = words[index];
        if (value === undefined) return { options, rest, unknown: letter };
        options.push({ letter, value });
      }
      break;
    }
  }
  return { options, rest };
}
