import { spanText, type SpecTree } from "../syntax/spec-tree.ts";
import { belongsTo, setSection } from "./section-edit.ts";
import { lineEndOf, type TextEdit } from "./text-edit.ts";

/**
 * Adds a line to a package's `%files`, after its last one; a package without `%files` gets it.
 *
 * @param entry as it is to stand there: `%license COPYING`, `%{_bindir}/tool`.
 * @param packageName as the header writes it: `devel`, or `-n other`; the main package by default.
 */
export function addFile(tree: SpecTree, entry: string, packageName = ""): readonly TextEdit[] {
  const section = fileSections(tree, packageName)[0];
  if (section?.header === undefined) return setSection(tree, "files", entry, packageName);
  const last = tree.lines
    .slice(section.firstLine, section.endLine)
    .findLast(
      ({ content, branch }) => content.kind === "text" && branch === section.header?.branch,
    );
  const at = (last ?? section.header).span.end;
  const lineEnd = lineEndOf(tree);
  const gap = tree.source.text[at - 1] === "\n" ? "" : lineEnd;
  return [{ span: { start: at, end: at }, text: `${gap}${entry}${lineEnd}` }];
}

/**
 * Removes lines of `%files`.
 *
 * @param matches gets each line as the spec writes it, without white space around it.
 */
export function removeFiles(
  tree: SpecTree,
  matches: (entry: string) => boolean,
  packageName = "",
): readonly TextEdit[] {
  return fileSections(tree, packageName).flatMap(({ firstLine, endLine }) =>
    tree.lines
      .slice(firstLine, endLine)
      .filter(
        ({ content, span }) => content.kind === "text" && matches(spanText(tree, span).trim()),
      )
      .map(({ span }) => ({ span, text: "" })),
  );
}

function fileSections(tree: SpecTree, packageName: string): SpecTree["sections"] {
  return tree.sections.filter(
    (section) => section.name === "files" && belongsTo(tree, section, packageName),
  );
}
