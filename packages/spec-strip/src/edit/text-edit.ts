import type { Span } from "rpm-parser";
import type { Rule } from "../profile/rule.ts";

/** A change of a spec's text, with the rules that want it. */
export interface TextEdit extends Span {
  /** What stands there afterwards. */
  readonly text: string;
  readonly rules: readonly Rule[];
  /** What it does, for people: `drop BuildRequires pkgconfig(x11)`. */
  readonly what: string;
}

/** A text after some edits, with the way between offsets before and after. */
export interface Revision {
  readonly text: string;
  /** Edits that were made, in order, with the offset of each in the new text. */
  readonly made: readonly (TextEdit & { readonly newStart: number })[];
  /** The new offset of an old one. */
  after(offset: number): number;
  /** The old offset of a new one. */
  before(offset: number): number;
}

function isInsertion({ start, end }: TextEdit): boolean {
  return end === start;
}

/** By place; what is only put in comes before what is taken out at the same place. */
function inOrder(a: TextEdit, b: TextEdit): number {
  return a.start - b.start || Number(isInsertion(b)) - Number(isInsertion(a)) || b.end - a.end;
}

/**
 * Makes edits. Where two overlap, the one that begins first counts, and of two that begin together
 * the longer one: a section that goes takes its lines along. The others are left undone.
 */
export function revise(text: string, edits: readonly TextEdit[]): Revision {
  const made: Revision["made"][number][] = [];
  const pieces: string[] = [];
  let at = 0;
  let length = 0;
  for (const edit of edits.toSorted(inOrder)) {
    if (edit.start < at) continue;
    const kept = text.slice(at, edit.start);
    pieces.push(kept, edit.text);
    made.push({ ...edit, newStart: length + kept.length });
    length += kept.length + edit.text.length;
    at = edit.end;
  }
  pieces.push(text.slice(at));
  return {
    text: pieces.join(""),
    made,
    after: (offset) => {
      let shift = 0;
      for (const edit of made) {
        if (edit.start >= offset) break;
        if (edit.end > offset) return edit.start + shift;
        shift += edit.text.length - (edit.end - edit.start);
      }
      return offset + shift;
    },
    before: (offset) => {
      let shift = 0;
      for (const edit of made) {
        if (edit.start + shift >= offset) break;
        if (edit.start + shift + edit.text.length > offset) return edit.start;
        shift += edit.text.length - (edit.end - edit.start);
      }
      return offset - shift;
    },
  };
}
