import { OpenBrackets } from "../macro/scan.ts";
import { linesMax } from "./source-text.ts";
import type { Span, SyntaxProblem } from "./spec-tree.ts";

/**
 * Splits text into logical lines as rpm reads them: a line that ends in a backslash, or that leaves a
 * bracket of a macro call open, goes on with the next one. What is still open at the end of the file
 * is a problem; its lines then stand for themselves.
 */
export function logicalLines(
  text: string,
  lineStarts: Uint32Array,
): { spans: readonly Span[]; problems: readonly SyntaxProblem[] } {
  const spans: Span[] = [];
  const problems: SyntaxProblem[] = [];
  const lineCount =
    text.length === (lineStarts.at(-1) ?? 0) ? lineStarts.length - 1 : lineStarts.length;
  const startOf = (line: number): number => lineStarts[line] ?? text.length;
  let joins = true;
  // A line without any of these stands for itself, as most do.
  const marks = /[%\\]/g;
  let mark = -1;
  const hasMark = (start: number, end: number): boolean => {
    if (mark < start) {
      marks.lastIndex = start;
      mark = marks.exec(text)?.index ?? text.length;
    }
    return mark < end;
  };
  for (let line = 0; line < lineCount;) {
    const start = startOf(line);
    let next = line + 1;
    if (joins && hasMark(start, startOf(next))) {
      const open = new OpenBrackets();
      open.feed(text, start, startOf(next));
      while (open.isOpen && next < lineCount) {
        open.feed(text, startOf(next), startOf(next + 1));
        next += 1;
      }
      if (open.isOpen) {
        problems.push({
          code: "line-unterminated",
          message: "unclosed macro or bad line continuation",
          span: { start, end: startOf(line + 1) },
        });
        next = line + 1;
        // Joining again and again to the same end would take time that grows with the square.
        joins = problems.length < 4;
      }
    }
    spans.push({ start, end: startOf(next) });
    line = next;
  }
  if (lineStarts.length === linesMax) {
    problems.push({
      code: "spec-too-long",
      message: `the spec has more than ${linesMax} lines; the rest is not looked at`,
      span: { start: startOf(linesMax - 1), end: text.length },
    });
  }
  return { spans, problems };
}
