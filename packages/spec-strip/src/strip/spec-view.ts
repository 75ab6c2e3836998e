import {
  type Evaluation,
  expandTexts,
  type SpecLine,
  type SpecSection,
  type SpecTree,
} from "rpm-parser";
import { callEnd } from "../edit/masked-text.ts";

/** A section that belongs to a package. */
export interface PackageSection {
  readonly section: SpecSection;
  readonly header: SpecLine;
  /** Full name of the package. */
  readonly packageName: string;
  /** Names of `-f` files. */
  readonly fileLists: readonly string[];
}

/** A spec as the rules look at it: its text, its tree, and what it comes to. */
export interface SpecView {
  readonly tree: SpecTree;
  readonly text: string;
  readonly evaluation: Evaluation;
  /** Sections whose header names a package, or the main one by naming none. */
  readonly packageSections: readonly PackageSection[];
  expand(texts: Iterable<string>): ReadonlyMap<string, string>;
}

/** Sections that belong to one package each; `%package` makes it. */
const ofPackages =
  /^(?:package|description|files|(?:pre|post)(?:un|trans|untrans)?|verifyscript|(?:trans)?(?:file)?trigger\w*)$/;

export function viewSpec(tree: SpecTree, evaluation: Evaluation): SpecView {
  const { text } = tree.source;
  const expand = (texts: Iterable<string>): ReadonlyMap<string, string> =>
    expandTexts(texts, evaluation.macros);
  const sections = tree.sections.flatMap((section) =>
    section.header === undefined || !ofPackages.test(section.name)
      ? []
      : [{ section, header: section.header }],
  );
  const argumentsOf = (header: SpecLine): string =>
    header.content.kind === "section" && isClosed(headerText(text, header))
      ? headerText(text, header)
      : "";
  const expanded = expand(sections.map(({ header }) => argumentsOf(header)));
  const mainName = evaluation.package.name;
  return {
    tree,
    text,
    evaluation,
    expand,
    packageSections: sections.map(({ section, header }) => {
      const { name, isFull, fileLists } = readHeader(expanded.get(argumentsOf(header)) ?? "");
      const packageName = name === undefined ? mainName : isFull ? name : `${mainName}-${name}`;
      return { section, header, packageName, fileLists };
    }),
  };
}

function headerText(text: string, { content }: SpecLine): string {
  if (content.kind !== "section") return "";
  return text.slice(content.argumentSpan.start, content.argumentSpan.end);
}

/** Whether every macro call of a text ends in it. */
export function isClosed(text: string): boolean {
  for (let at = text.indexOf("%"); at >= 0; at = text.indexOf("%", at)) {
    const end = callEnd(text, at);
    if (end === text.length && /^%[{([]/.test(text.slice(at)) && !/[})\]]$/.test(text))
      return false;
    at = Math.max(end, at + 1);
  }
  return true;
}

interface Header {
  readonly name: string | undefined;
  readonly isFull: boolean;
  readonly fileLists: readonly string[];
}

/** The package that a section header's words name, and its file lists. */
function readHeader(words: string): Header {
  const all = words.split(/\s+/).filter((word) => word !== "");
  const fileLists: string[] = [];
  let name: string | undefined;
  let isFull = false;
  for (let index = 0; index < all.length; index += 1) {
    const word = all[index] ?? "";
    if (word === "--" || word === "-p") break;
    if (word === "-n") {
      index += 1;
      name = all[index];
      isFull = true;
    } else if (word === "-f" || word === "-l" || word === "-P") {
      index += 1;
      if (word === "-f" && all[index] !== undefined) fileLists.push(all[index] ?? "");
    } else if (!word.startsWith("-")) name ??= word;
  }
  return { name, isFull, fileLists };
}
