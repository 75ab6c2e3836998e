/** A line that became another one, by the words that went and came. */
export interface ChangedLine {
  /** Words that both lines begin with. */
  readonly start: string;
  readonly gone: readonly string[];
  readonly came: readonly string[];
}

/** Lines shorter than this are shown whole. */
const longLine = 120;

/**
 * Pairs long lines that went with lines that came and are mostly the same, as a call of a build
 * system with one option changed.
 */
export function pairLongLines(
  gone: readonly string[],
  came: readonly string[],
): {
  readonly changed: readonly ChangedLine[];
  readonly gone: readonly string[];
  readonly came: readonly string[];
} {
  const changed: ChangedLine[] = [];
  const left = [...came];
  const alone = gone.filter((line) => {
    if (line.length < longLine) return true;
    const words = line.split(" ");
    const index = left.findIndex((other) => sharesMost(words, other.split(" ")));
    const [other] = index < 0 ? [] : left.splice(index, 1);
    if (other === undefined) return true;
    const others = other.split(" ");
    changed.push({
      start: words.slice(0, 3).join(" "),
      gone: words.filter((word) => !others.includes(word)),
      came: others.filter((word) => !words.includes(word)),
    });
    return false;
  });
  return { changed, gone: alone, came: left };
}

function sharesMost(words: readonly string[], others: readonly string[]): boolean {
  const known = new Set(others);
  const shared = words.filter((word) => known.has(word)).length;
  return shared > Math.max(words.length, others.length) / 2;
}
