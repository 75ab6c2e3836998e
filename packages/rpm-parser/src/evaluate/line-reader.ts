import type { Place } from "@cleanroom/core";
import { evaluateExpression } from "../macro/expression.ts";
import { ExpressionError, isTrue } from "../macro/expression-token.ts";
import type { MacroExpander } from "../macro/expander.ts";
import { type ChainLink, type FileReader, MacroError } from "../macro/host.ts";
import { isSpace } from "../macro/scan.ts";
import { macroLevel } from "../macro/table.ts";
import { conditionKeyword } from "../syntax/line-content.ts";
import { parseSpec } from "../syntax/parse-spec.ts";
import type { ConditionKeyword, SpecTree } from "../syntax/spec-tree.ts";
import { ConditionStack } from "./condition-stack.ts";
import type { Diagnostics } from "./diagnostics.ts";

/** What a section wants done to its lines before it sees them (rpm's `STRIP_*`). */
export interface LineStyle {
  /** Drop white space and the line end at the end of each line. */
  readonly trims?: boolean;
  /** Empty lines that are comments. */
  readonly dropsComments?: boolean;
  /** The section writes its own part of the expanded text. */
  readonly writesItself?: boolean;
}

interface OpenFile {
  readonly tree: SpecTree;
  readonly name: string;
  next: number;
  /** Where the file was included. */
  readonly from: ChainLink | undefined;
}

const includeDepthMax = 64;
/** Longer than any line that is meant. */
const lineCharactersMax = 16 * 1024 * 1024;

/**
 * Hands out a spec's lines as rpm's `readLine` does: logical lines are expanded as a whole, then
 * split again; conditions, includes and comments are dealt with on the way.
 */
export class LineReader {
  readonly #expander: MacroExpander;
  readonly #diagnostics: Diagnostics;
  readonly #reader: FileReader | undefined;
  readonly #files: OpenFile[] = [];
  readonly #conditions = new ConditionStack();
  /** Lines of the logical line in hand that were not handed out yet. */
  #pending = "";
  #pendingAt = -1;
  /** Offset and file of the logical line in hand. */
  #offset = 0;
  #file: OpenFile | undefined;
  /** The expanded spec, as `rpmspec -P` prints it. */
  readonly expanded: string[] = [];

  constructor(
    tree: SpecTree,
    expander: MacroExpander,
    diagnostics: Diagnostics,
    reader: FileReader | undefined,
  ) {
    this.#expander = expander;
    this.#diagnostics = diagnostics;
    this.#reader = reader;
    this.#push({ tree, name: tree.source.file, next: 0, from: undefined });
    this.#file = this.#files[0];
  }

  /** Where the line in hand begins; the beginning of the spec before its first line. */
  get place(): Place {
    return this.#file?.tree.source.place(this.#offset) ?? {};
  }

  /** The place of some text in the line in hand; that of the line when it is not written there. */
  placeOf(text: string): Place {
    const file = this.#file;
    if (file === undefined) return {};
    const line = file.tree.lines[file.next - 1];
    if (line === undefined || text === "") return this.place;
    // Within the line alone: a search to the end of the file for each value would take too long.
    const at = file.tree.source.text.slice(line.span.start, line.span.end).indexOf(text);
    return at < 0 ? this.place : file.tree.source.place(line.span.start + at);
  }

  /** The files the line in hand was included through. */
  get chain(): readonly ChainLink[] {
    return this.#files.flatMap((file) => (file.from === undefined ? [] : [file.from]));
  }

  /** Expands a value outside any line; an error is reported, and the value is then empty. */
  expandValue(text: string): string {
    try {
      return this.#expander.expand(text);
    } catch (error) {
      if (!(error instanceof MacroError)) throw error;
      this.#report("error", error.code, error.message);
      return "";
    }
  }

  /** Goes on with another text once the spec has been read to its end. */
  continueWith(tree: SpecTree): void {
    this.#push({ tree, name: tree.source.file, next: 0, from: undefined });
  }

  /** Gives up the rest of the spec and takes its files' macros back. */
  close(): void {
    while (this.#files.length > 0) this.#popFile();
  }

  /**
   * The next line; undefined at the end of the spec. With `trims` it has no line end, otherwise it
   * has the one it was written with. Lines that do not count come as empty ones.
   */
  next(style: LineStyle): string | undefined {
    for (;;) {
      if (this.#pendingAt < 0 && !this.#readLogicalLine()) {
        this.#reportUnclosed();
        return undefined;
      }
      const { line, keyword } = this.#takeLine();
      let result = keyword === undefined ? line : this.#special(line, keyword);
      if (result === undefined) continue;
      // In this order the white space before a comment stays, as in rpm.
      if (style.trims === true) result = trimEnd(result);
      if (keyword === undefined && style.dropsComments === true) result = dropComment(result);
      if (!this.#conditions.isReading) result = "";
      if (style.writesItself !== true) {
        this.expanded.push(style.trims === true ? `${result}\n` : result);
      }
      return result;
    }
  }

  #push(file: OpenFile): void {
    this.#files.push(file);
    this.#expander.scope.push({
      name: "__file_name",
      body: file.name,
      level: macroLevel.spec,
      isLiteral: true,
    });
  }

  #popFile(): void {
    this.#files.pop();
    this.#expander.scope.pop("__file_name");
  }

  /** Reads and expands the next logical line of the innermost file; false at the end of all. */
  #readLogicalLine(): boolean {
    for (;;) {
      const file = this.#files.at(-1);
      if (file === undefined) return false;
      const line = file.tree.lines[file.next];
      if (line === undefined) {
        this.#popFile();
        continue;
      }
      this.#file = file;
      file.next += 1;
      this.#offset = line.span.start;
      this.#pending = this.#expandLine(file.tree.source.text.slice(line.span.start, line.span.end));
      this.#pendingAt = 0;
      return true;
    }
  }

  #expandLine(text: string): string {
    if (text.length > lineCharactersMax) {
      const message = `the line has ${text.length} characters, more than ${lineCharactersMax}`;
      this.#report("error", "line-too-long", message);
      return "\n";
    }
    if (!text.includes("%")) return text;
    const keyword = conditionKeyword(text);
    if (keyword === "else" || keyword === "endif") {
      const rest = text.slice(text.indexOf("%") + 1 + keyword.length).trim();
      if (rest !== "" && (this.#expander.host.dialect === "4.18" || !rest.startsWith("#"))) {
        const message = `extra tokens at the end of %${keyword} directive: ${rest.slice(0, 80)}`;
        const isWarning = this.#expander.host.dialect === "4.18";
        this.#report(isWarning ? "warning" : "error", "condition-extra-tokens", message);
      }
    }
    const isElif = keyword?.startsWith("elif") === true;
    const counts = isElif ? this.#conditions.isReadable : this.#conditions.isReading;
    if (!counts) return text;
    this.#expander.scope.push({
      name: "__file_lineno",
      body: String(this.place.line ?? 0),
      level: macroLevel.spec,
      isLiteral: true,
    });
    try {
      return this.#expander.expand(text);
    } catch (error) {
      if (!(error instanceof MacroError)) throw error;
      this.#diagnostics.add("error", error.code, error.message, this.place, [
        ...this.chain,
        ...error.chain,
      ]);
      // The line is lost; its line end keeps the numbering of what follows.
      return "\n";
    } finally {
      this.#expander.scope.pop("__file_lineno");
    }
  }

  /** The next line of the logical line in hand; a condition takes its continuation lines along. */
  #takeLine(): { line: string; keyword: ConditionKeyword | "include" | undefined } {
    const text = this.#pending;
    const start = this.#pendingAt;
    let end = text.indexOf("\n", start);
    end = end < 0 ? text.length : end + 1;
    let line = start === 0 && end === text.length ? text : text.slice(start, end);
    const keyword = line.includes("%") ? conditionKeyword(line) : undefined;
    if (keyword !== undefined) {
      while (line.endsWith("\\\n")) {
        const next = text.indexOf("\n", end);
        const stop = next < 0 ? text.length : next + 1;
        line = `${line.slice(0, -2)}  ${text.slice(end, stop)}`;
        end = stop;
      }
    }
    this.#pendingAt = end < text.length ? end : -1;
    return { line, keyword };
  }

  /** Acts on a condition or include; undefined when another line has to be read in its place. */
  #special(line: string, keyword: ConditionKeyword | "include"): string | undefined {
    const argument = line.slice(line.indexOf("%") + 1 + keyword.length);
    if (keyword === "include") {
      if (!this.#conditions.isReading) return line;
      return this.#include(argument.trim()) ? undefined : "";
    }
    const holds = (): boolean => this.#holds(keyword, argument);
    if (keyword.startsWith("if")) this.#conditions.open(keyword, this.place, holds);
    else {
      const wrong = this.#conditions.continueWith(keyword, holds);
      if (wrong !== undefined) this.#report("error", wrong.code, wrong.message);
    }
    return "";
  }

  #holds(keyword: ConditionKeyword, argument: string): boolean {
    if (keyword === "if" || keyword === "elif") return this.#expressionHolds(keyword, argument);
    const words = argument.split(/[ \t\n\v\f\r]+/).filter((word) => word !== "");
    if (words.length === 0) {
      this.#report("error", "condition-argument", `Argument expected for %${keyword}`);
    }
    const isArch = keyword.endsWith("arch");
    const value = this.expandValue(isArch ? "%{_target_cpu}" : "%{_target_os}").toLowerCase();
    const matches = words.some((word) => word.toLowerCase() === value);
    return keyword.startsWith("ifn") ? !matches : matches;
  }

  #expressionHolds(keyword: string, argument: string): boolean {
    try {
      return isTrue(
        evaluateExpression(argument, {
          expand: undefined,
          call: (name, values) => this.#expander.callLua(name, values),
        }),
      );
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      const text = argument.trim().slice(0, 200);
      this.#report(
        "error",
        "condition-bad",
        `bad %${keyword} condition: ${text}: ${error.message}`,
      );
      return false;
    }
  }

  #include(path: string): boolean {
    if (path === "") {
      this.#report("error", "include-malformed", "malformed %include statement");
      return false;
    }
    const bytes = this.#reader?.read(path);
    if (bytes === undefined || this.#files.length > includeDepthMax) {
      const why =
        bytes === undefined ? "no such file, or no reader" : "too many files inside files";
      this.#report("error", "include-unreadable", `Unable to open ${path}: ${why}`);
      return false;
    }
    const from = { through: `%include ${path}`, place: this.place };
    this.#push({ tree: parseSpec(bytes, path), name: path, next: 0, from });
    return true;
  }

  #reportUnclosed(): void {
    const place = this.#conditions.closeAll();
    if (place === undefined) return;
    this.#diagnostics.add("error", "condition-unclosed", "Unclosed %if", place, this.chain);
  }

  #report(severity: "error" | "warning", code: string, message: string): void {
    this.#diagnostics.add(severity, code, message, this.place, this.chain);
  }
}

function trimEnd(line: string): string {
  let end = line.length;
  while (end > 0 && isSpace(line.charCodeAt(end - 1))) end -= 1;
  return end === line.length ? line : line.slice(0, end);
}

/** A comment leaves only the white space before it. */
function dropComment(line: string): string {
  let at = 0;
  while (at < line.length && isSpace(line.charCodeAt(at))) at += 1;
  return line[at] === "#" ? line.slice(0, at) : line;
}
