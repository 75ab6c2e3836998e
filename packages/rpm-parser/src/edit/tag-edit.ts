import { parseRequirements } from "../capability/parse.ts";
import { type SpecLine, type SpecSection, spanText, type SpecTree } from "../syntax/spec-tree.ts";
import { lineEndOf, type TextEdit } from "./text-edit.ts";

/** A tag line with its parts. */
export interface TagLineView {
  readonly line: SpecLine;
  readonly name: string;
  readonly value: string;
  readonly valueStart: number;
}

/**
 * The section that holds a package's tags: the preamble for the main package, `%package devel` by its
 * `devel`, `%package -n other` by its `-n other`.
 */
export function packageSection(tree: SpecTree, name?: string): SpecSection | undefined {
  if (name === undefined) return tree.sections[0];
  return tree.sections.find(({ name: kind, header }) => {
    if (kind !== "package" || header?.content.kind !== "section") return false;
    return spanText(tree, header.content.argumentSpan).split(/\s+/).join(" ") === name;
  });
}

/** The lines of one tag in a section, whatever conditions are around them. */
export function tagLines(
  tree: SpecTree,
  section: SpecSection | undefined,
  tag: string,
): readonly TagLineView[] {
  if (section === undefined) return [];
  return tree.lines.slice(section.firstLine, section.endLine).flatMap((line) => {
    const { content } = line;
    if (content.kind !== "tag" || content.name.toLowerCase() !== tag.toLowerCase()) return [];
    const { valueSpan, name } = content;
    return [{ line, name, value: spanText(tree, valueSpan), valueStart: valueSpan.start }];
  });
}

/**
 * Sets a tag's value wherever the section has the tag; a section without it gets it after its last
 * tag, in the form of that one.
 *
 * @param section a package as its `%package` header names it; the main one by default.
 */
export function setTag(
  tree: SpecTree,
  tag: string,
  value: string,
  section?: string,
): readonly TextEdit[] {
  const where = packageSection(tree, section);
  const lines = tagLines(tree, where, tag);
  if (lines.length > 0) {
    return lines.map(({ valueStart, value: old }) => ({
      span: { start: valueStart, end: valueStart + old.length },
      text: value,
    }));
  }
  return insertTag(tree, where, tag, value);
}

/** Removes a tag's lines; of a numbered tag such as `Patch3` those of that number. */
export function removeTag(tree: SpecTree, tag: string, section?: string): readonly TextEdit[] {
  return tagLines(tree, packageSection(tree, section), tag).map(({ line }) => ({
    span: line.span,
    text: "",
  }));
}

/** Adds a dependency in a line of its own, after the last of its kind. */
export function addDependency(
  tree: SpecTree,
  tag: string,
  dependency: string,
  section?: string,
): readonly TextEdit[] {
  return insertTag(tree, packageSection(tree, section), tag, dependency);
}

/**
 * Removes the dependencies that a test picks, from every section and condition. A line that is left
 * without any goes as a whole.
 *
 * @param matches gets each dependency as the spec writes it, macros unexpanded: `%{name} = 1`.
 */
export function removeDependencies(
  tree: SpecTree,
  tag: string,
  matches: (dependency: string) => boolean,
): readonly TextEdit[] {
  return tree.sections.flatMap((section) =>
    tagLines(tree, section, tag).flatMap(({ line, value, valueStart }) => {
      const all = parseRequirements(value).flatMap((one) =>
        "error" in one ? [] : [{ start: one.start, end: one.end }],
      );
      const going = all.filter(({ start, end }) => matches(value.slice(start, end)));
      if (going.length === 0) return [];
      if (going.length === all.length) return [{ span: line.span, text: "" }];
      const staying = all.filter((one) => !going.includes(one));
      return going.map((one): TextEdit => {
        // With the separator after it; the last one takes the separator before it instead.
        const next = all.find(({ start }) => start > one.start);
        const isTail = staying.every(({ start }) => start < one.start);
        const before = all.findLast(({ end }) => end <= one.start);
        const start = isTail ? (before?.end ?? one.start) : one.start;
        const end = isTail ? one.end : (next?.start ?? one.end);
        return { span: { start: valueStart + start, end: valueStart + end }, text: "" };
      });
    }),
  );
}

/** A new tag line after the last of its kind that is in no condition, else after the last tag. */
export function insertTag(
  tree: SpecTree,
  section: SpecSection | undefined,
  tag: string,
  value: string,
): readonly TextEdit[] {
  if (section === undefined) return [];
  const lines = tree.lines.slice(section.firstLine, section.endLine);
  const tags = lines.filter(({ content, branch }) => content.kind === "tag" && branch < 0);
  const kind = kindOfTag(tag);
  const sameKind = tags.filter(
    ({ content }) => content.kind === "tag" && kindOfTag(content.name) === kind,
  );
  const model = sameKind.at(-1) ?? tags.at(-1);
  if (model?.content.kind !== "tag") {
    const at = section.header?.span.end ?? 0;
    return [{ span: { start: at, end: at }, text: `${tag}: ${value}${lineEndOf(tree)}` }];
  }
  // The value begins in the column where the model's does.
  const column = model.content.valueSpan.start - model.content.nameSpan.start;
  const name = `${tag}:`.padEnd(column, " ");
  const separator = name.endsWith(" ") ? "" : " ";
  const end = model.span.end;
  const lineEnd = lineEndOf(tree);
  const hasLineEnd = tree.source.text[end - 1] === "\n";
  return [
    {
      span: { start: end, end },
      text: `${hasLineEnd ? "" : lineEnd}${name}${separator}${value}${lineEnd}`,
    },
  ];
}

/** `patch` of `Patch12`: tags of one kind stand together. */
function kindOfTag(name: string): string {
  return name.toLowerCase().replace(/\d+$/, "");
}
