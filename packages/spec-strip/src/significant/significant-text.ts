import { expandTexts, type MacroTable, type SpecLine, spanText, type SpecTree } from "rpm-parser";
import { resolvedLines } from "./resolved-lines.ts";
import { significantScriptLines } from "./shell-script.ts";

/** A spec, and what it came to. */
export interface EvaluatedSpec {
  readonly tree: SpecTree;
  /** All macros as they are at the end of its evaluation. */
  readonly evaluation: { readonly macros: MacroTable };
  /** Names of the macros that come from the base. */
  readonly baseMacros: ReadonlySet<string>;
}

/** The name of a spec, of its folder or of a line in it: what lets a spec look at its own text. */
const seesItself = /__file_lineno|__file_name|_specdir|SPECS|\.spec\b/;

const tagSections = new Set(["preamble", "package"]);
/** Sections whose comments rpm drops, and whose lines it trims. */
const lineSections = new Set(["files", "patchlist", "sourcelist"]);
const scriptSections = new Set([
  ...["prep", "generate_buildrequires", "conf", "build", "install", "check", "clean"],
]);

/**
 * The part of a spec that can influence what is built of it: two specs with the same significant
 * text build the same, whatever macros their build root brings. Left out are
 *
 * - comments and blank lines where rpm drops them, and in build scripts where it is certain that
 *   the shell does; white space around tags and paths;
 * - branches that the spec's own build conditions switch off;
 * - the entries of %changelog: they are in the packages, and make their date, but nothing that is
 *   built depends on them.
 *
 * Whatever holds a macro call stays as it is written, as does all of a spec that can see its own
 * text. Scriptlets stay whole: they are in the packages with their comments.
 */
export function significantText({ tree, evaluation, baseMacros }: EvaluatedSpec): string {
  const lines = resolvedLines(tree, baseMacros);
  const writer = new SignificantWriter(tree, () =>
    expandTexts(scriptLines(tree, lines), evaluation.macros),
  );
  for (const line of lines) writer.add(line);
  const significant = writer.finish();
  return seesItself.test(significant) ? tree.source.text : significant;
}

/** The lines of all build scripts that expanding may change. */
function scriptLines(tree: SpecTree, lines: readonly SpecLine[]): string[] {
  const found: string[] = [];
  let isScript = false;
  for (const line of lines) {
    const { content } = line;
    if (content.kind === "section") isScript = scriptSections.has(content.name);
    else if (content.kind !== "condition" && isScript) {
      const text = lineText(tree, line);
      if (text.includes("%") && !prepMacro.test(text)) found.push(text);
    }
  }
  return found;
}

function lineText(tree: SpecTree, { span }: SpecLine): string {
  const text = spanText(tree, span);
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

class SignificantWriter {
  readonly #tree: SpecTree;
  readonly #expandScripts: () => ReadonlyMap<string, string>;
  #expanded: ReadonlyMap<string, string> | undefined;
  readonly #written: string[] = [];
  /** The section in hand; `unknown` where a condition decides which it is. */
  #section = "preamble";
  #lines: string[] = [];
  /** For each open condition, whether a section begins in it. */
  readonly #open: boolean[] = [];

  /** @param expandScripts expands all lines of all build scripts: once, should it be needed */
  constructor(tree: SpecTree, expandScripts: () => ReadonlyMap<string, string>) {
    this.#tree = tree;
    this.#expandScripts = expandScripts;
  }

  add(line: SpecLine): void {
    const text = lineText(this.#tree, line);
    const { content } = line;
    if (content.kind === "section") {
      this.#begin(content.name, text);
    } else if (content.kind === "condition") {
      this.#condition(content.keyword, text);
    } else {
      this.#lines.push(text);
    }
  }

  finish(): string {
    this.#flush({ endsSection: true });
    return this.#written.join("");
  }

  #begin(section: string, header: string): void {
    this.#flush({ endsSection: this.#open.length === 0 });
    this.#write(header.trimEnd());
    this.#section = section;
    this.#open.fill(true);
  }

  #condition(keyword: string, text: string): void {
    this.#flush({ endsSection: false });
    this.#write(text.trim());
    if (keyword.startsWith("if")) this.#open.push(false);
    else {
      if (this.#open.at(-1) === true) this.#section = "unknown";
      if (keyword === "endif") this.#open.pop();
    }
  }

  #write(line: string): void {
    this.#written.push(`${line}\n`);
  }

  #flush({ endsSection }: { readonly endsSection: boolean }): void {
    const lines = this.#lines;
    this.#lines = [];
    for (const line of this.#significant(lines, endsSection)) this.#write(line);
  }

  #significant(lines: readonly string[], endsSection: boolean): readonly string[] {
    const section = this.#section;
    if (tagSections.has(section)) return lines.flatMap((line) => significantTagLine(line));
    if (lineSections.has(section)) {
      return lines.map((line) => withoutComment(line).trim()).filter((line) => line !== "");
    }
    if (section === "description") {
      const kept = lines.map((line) => withoutComment(line).trimEnd());
      if (endsSection) while (kept.at(-1) === "") kept.pop();
      return kept;
    }
    if (section === "changelog") return significantChangelog(lines);
    if (scriptSections.has(section)) return this.#script(lines);
    return lines;
  }

  #script(lines: readonly string[]): string[] {
    const hasDropped = lines.some((line) => /^\s*(?:#|$)/.test(line));
    // A quote or a document may be open where a condition cuts a script in pieces.
    if (!hasDropped || this.#open.length > 0 || this.#isContinued()) return [...lines];
    const expanded = (this.#expanded ??= this.#expandScripts());
    return significantScriptLines(
      lines.map((text) => ({
        text,
        expanded: prepMacro.test(text) ? ":" : (expanded.get(text) ?? text),
      })),
    );
  }

  /** Whether an earlier piece of the same script was written, behind a condition. */
  #isContinued(): boolean {
    return this.#written.at(-1)?.startsWith("%endif") === true;
  }
}

/** Whole commands of rpm's own, which are macros while %prep is read, and only then. */
const prepMacro = /^%(?:setup|autosetup|patch\d*|autopatch)(?:[ \t][^\n]*)?$/;

function withoutComment(line: string): string {
  return isComment(line) ? "" : line;
}

function isComment(line: string): boolean {
  if (line.includes("\n") || line.endsWith("\\")) return false;
  return /^\s*%dnl(?:\s|$)/.test(line) || (/^\s*#/.test(line) && !line.includes("%"));
}

const tag = /^\s*([A-Za-z][A-Za-z0-9_]*(?:\([^()%\s]*\))?)\s*:\s*([^\n]*?)\s*$/;

function significantTagLine(line: string): string[] {
  if (line.trim() === "" || isComment(line)) return [];
  const match = tag.exec(line);
  return [match === null ? line : `${match[1]}:${match[2]}`];
}

/** What headings of entries are written with; expanding it changes nothing. */
const plainMacros = /%%|%\{\??(?:name|version|release|epoch|dist)\}/gi;

/** That there are entries counts: without one rpm takes no date from them. */
function significantChangelog(lines: readonly string[]): string[] {
  const called = lines.filter((line) => line.replaceAll(plainMacros, "").includes("%"));
  return lines.some((line) => line.startsWith("*")) ? ["*", ...called] : called;
}
