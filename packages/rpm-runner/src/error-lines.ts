const errorPattern =
  /\berror\b[ :]|\bfatal\b|undefined reference|\bFAILED\b|\bERROR\b|No space left|cannot find|No such file|not found|Killed|Segmentation fault|assertion/i;
/** rpmbuild says at the end that a script failed, in words that tell nothing more. */
const emptyWords = /^(?:error: Bad exit status|\s+Bad exit status|RPM build (?:errors|warnings):)/;

/**
 * The lines of a build log that most likely say why the build failed: the last ones with words of
 * failure, with the line after each, and the very end.
 *
 * @param count lines at most
 */
export function errorLines(log: string, count: number): string[] {
  const lines = log.trimEnd().split("\n");
  const chosen = new Set<number>();
  const add = (index: number): void => {
    if (chosen.size < count && index >= 0 && index < lines.length) chosen.add(index);
  };
  const endLines = 4;
  for (let index = lines.length - endLines; index < lines.length; index += 1) add(index);
  for (let index = lines.length - 1; index >= 0 && chosen.size < count; index -= 1) {
    const line = lines[index] ?? "";
    if (!errorPattern.test(line) || emptyWords.test(line)) continue;
    add(index);
    add(index + 1);
  }
  // Where no words give it away, it stands before the end.
  for (let index = lines.length - 1; index >= 0 && chosen.size < count; index -= 1) add(index);
  return [...chosen].toSorted((a, b) => a - b).map((index) => lines[index] ?? "");
}
