import { CleanroomError } from "@cleanroom/core";
import { parseSpec } from "../syntax/parse-spec.ts";
import type { Span, SpecTree } from "../syntax/spec-tree.ts";

/** Text to put in the place of a span; everything outside stays as it is, byte for byte. */
export interface TextEdit {
  readonly span: Span;
  readonly text: string;
}

/** How the spec ends its lines; what is put in ends them the same way. */
export function lineEndOf(tree: SpecTree): string {
  const end = tree.source.text.indexOf("\n");
  return end > 0 && tree.source.text[end - 1] === "\r" ? "\r\n" : "\n";
}

/**
 * The tree with the edits made. Their order does not matter; edits at one place are made in the order
 * given.
 *
 * @throws CleanroomError `edit-overlap` when two edits touch the same text.
 */
export function applyEdits(tree: SpecTree, edits: readonly TextEdit[]): SpecTree {
  if (edits.length === 0) return tree;
  const { text, encoding, file } = tree.source;
  const sorted = edits.toSorted((a, b) => a.span.start - b.span.start || a.span.end - b.span.end);
  const parts: string[] = [];
  let at = 0;
  for (const { span, text: replacement } of sorted) {
    if (span.start < at) {
      throw new CleanroomError("edit-overlap", "two edits of a spec touch the same text", {
        place: tree.source.place(span.start),
      });
    }
    parts.push(text.slice(at, span.start), replacement);
    at = span.end;
  }
  parts.push(text.slice(at));
  const edited = parts.join("");
  // What could not be UTF-8 before goes back the way it came.
  return parseSpec(encoding === "latin1" ? Buffer.from(edited, "latin1") : edited, file);
}
