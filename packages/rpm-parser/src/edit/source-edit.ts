import { spanText, type SpecTree } from "../syntax/spec-tree.ts";
import { insertTag, packageSection, removeTag, tagLines } from "./tag-edit.ts";
import type { TextEdit } from "./text-edit.ts";

/**
 * Adds a source or a patch after the last of its kind, with the next number; where the spec leaves
 * numbers out, it has none either.
 */
export function addSource(
  tree: SpecTree,
  kind: "Source" | "Patch",
  value: string,
): readonly TextEdit[] {
  const numbers = sourceNumbers(tree, kind);
  const isNumbered = numbers.length === 0 || numbers.some((number) => number !== undefined);
  const next = Math.max(-1, ...numbers.map((number, index) => number ?? index)) + 1;
  return insertTag(tree, packageSection(tree), isNumbered ? `${kind}${next}` : kind, value);
}

/** Removes a source or patch; of a patch also the line of `%prep` that applies it by its number. */
export function removeSource(
  tree: SpecTree,
  kind: "Source" | "Patch",
  number: number,
): readonly TextEdit[] {
  const edits = removeTag(tree, `${kind}${number}`);
  if (kind === "Source") return edits;
  const applies = new RegExp(`^%(?:\\{patch|patch)(?:${number}\\b|\\s[^\\n]*-P\\s*${number}\\b)`);
  const prep = tree.sections.filter(({ name }) => name === "prep");
  return [
    ...edits,
    ...prep.flatMap(({ firstLine, endLine }) =>
      tree.lines
        .slice(firstLine, endLine)
        .filter(({ span }) => applies.test(spanText(tree, span)))
        .map(({ span }) => ({ span, text: "" })),
    ),
  ];
}

function sourceNumbers(tree: SpecTree, kind: string): readonly (number | undefined)[] {
  const tag = new RegExp(`^${kind}(\\d*)$`, "i");
  return tree.lines.flatMap(({ content }) => {
    const digits = content.kind === "tag" ? tag.exec(content.name)?.[1] : undefined;
    if (digits === undefined) return [];
    return [digits === "" ? undefined : Number(digits)];
  });
}

/**
 * Sets the version: the tag's value, or the macro that it is. The release begins anew at 1, what
 * follows its number stays: `7%{?dist}` becomes `1%{?dist}`.
 */
export function setVersion(tree: SpecTree, version: string): readonly TextEdit[] {
  return [...setTagOrMacro(tree, "Version", () => version), ...setReleaseNumber(tree, () => 1)];
}

/** Counts the release up by one: `7%{?dist}` becomes `8%{?dist}`. */
export function bumpRelease(tree: SpecTree): readonly TextEdit[] {
  return setReleaseNumber(tree, (number) => number + 1);
}

function setReleaseNumber(tree: SpecTree, change: (number: number) => number): readonly TextEdit[] {
  return setTagOrMacro(tree, "Release", (value) =>
    value.replace(/^\d+/, (digits) => String(change(Number(digits)))),
  );
}

/** A tag whose whole value is one macro of the spec is set where that macro is defined. */
function setTagOrMacro(
  tree: SpecTree,
  tag: string,
  change: (value: string) => string,
): readonly TextEdit[] {
  return tagLines(tree, packageSection(tree), tag).flatMap(({ value, valueStart }) => {
    const name = /^%\{?([A-Za-z_]\w*)\}?/.exec(value);
    const definitions = tree.lines.flatMap(({ content }) =>
      content.kind === "definition" && content.name === name?.[1] ? [content.bodySpan] : [],
    );
    const isWhole = name?.[0].length === value.length || tag === "Release";
    if (definitions.length > 0 && isWhole) {
      return definitions.map((span) => ({ span, text: change(spanText(tree, span)) }));
    }
    const text = change(value);
    if (text === value) return [];
    return [{ span: { start: valueStart, end: valueStart + value.length }, text }];
  });
}
