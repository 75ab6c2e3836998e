import type { SpecSection } from "rpm-parser";
import type { SpecView } from "./spec-view.ts";

/** The offset behind the last command of `%install` that runs whenever the section does. */
export function installEnd({ tree }: SpecView, section: SpecSection): number {
  const { header } = section;
  const last = tree.lines
    .slice(section.firstLine, section.endLine)
    .findLast(
      ({ branch, content }) =>
        branch === header?.branch &&
        content.kind !== "blank" &&
        content.kind !== "comment" &&
        !(content.kind === "condition" && content.keyword !== "endif"),
    );
  return last?.span.end ?? header?.span.end ?? 0;
}
