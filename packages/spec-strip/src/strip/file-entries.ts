import type { SpecLine } from "rpm-parser";
import { maskMacros } from "../edit/masked-text.ts";
import type { SpecView } from "./spec-view.ts";

/** A path that a `%files` section lists. */
export interface FileEntry {
  readonly packageName: string;
  /** As written, without quotes: rpm's glob, macros and all. */
  readonly glob: string;
  /** The same, without the backslashes that keep characters of globs as they are. */
  readonly path: string;
  /** The line, or the path alone where the line has others. */
  readonly span: { readonly start: number; readonly end: number };
  /** `%dir`, `%exclude` and the documents that rpm installs by itself: not for removal. */
  readonly isLeft: boolean;
  /** It is marked with a language already. */
  readonly hasLanguage: boolean;
}

/** Every path of every `%files` section, in all branches. */
export function fileEntries(view: SpecView): FileEntry[] {
  return view.packageSections.flatMap(({ section, packageName }) =>
    section.name === "files"
      ? view.tree.lines
          .slice(section.firstLine, section.endLine)
          .flatMap((line) => lineEntries(view, line, packageName))
      : [],
  );
}

const directive =
  /^%(?:(?:attr|config|verify|lang|caps|dev)\s*\([^)]*\)|config|dir|doc|docdir|license|ghost|exclude|missingok|artifact|readme|pubkey)(?=\s|$)\s*/;

function lineEntries({ text }: SpecView, line: SpecLine, packageName: string): FileEntry[] {
  if (line.content.kind !== "text") return [];
  const raw = text.slice(line.span.start, line.span.end);
  let rest = raw.trim();
  let isLeft = false;
  let hasLanguage = false;
  for (let found = directive.exec(rest); found !== null; found = directive.exec(rest)) {
    if (/^%(?:dir|docdir|exclude)\b/.test(found[0])) isLeft = true;
    if (found[0].startsWith("%lang")) hasLanguage = true;
    rest = rest.slice(found[0].length);
  }
  if (rest === "" || rest.includes("\n") || /^%def(?:attr|verify)/.test(rest)) return [];
  const masked = maskMacros(rest);
  const words = [...masked.text.matchAll(/"[^"]*"|\S+/g)];
  const restStart = line.span.start + raw.indexOf(rest);
  return words.map((word) => ({
    packageName,
    ...globOf(masked.unmask(word[0])),
    span:
      words.length === 1
        ? line.span
        : {
            start: restStart + word.index - (word.index === 0 ? 0 : 1),
            end: restStart + word.index + word[0].length,
          },
    isLeft,
    hasLanguage,
  }));
}

function globOf(word: string): Pick<FileEntry, "glob" | "path"> {
  const glob = word.replace(/^"(.*)"$/, "$1");
  return { glob, path: glob.replaceAll(/\\([*?[\]{}\\])/g, "$1") };
}
