import type { SourceText } from "./source-text.ts";

/** Character offsets in the file's text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type ConditionKeyword =
  | "if"
  | "ifarch"
  | "ifnarch"
  | "ifos"
  | "ifnos"
  | "elif"
  | "elifarch"
  | "elifos"
  | "else"
  | "endif";

/** What a line is by its looks; what it comes to is known only once macros are expanded. */
export type LineContent =
  | { readonly kind: "blank" }
  | { readonly kind: "comment" }
  | {
      readonly kind: "tag";
      /** As written; tags are compared without case. */
      readonly name: string;
      /** `post` of `Requires(post)`, `de` of `Summary(de)`. */
      readonly qualifier: string | undefined;
      readonly nameSpan: Span;
      /** The value without white space around it. */
      readonly valueSpan: Span;
    }
  | {
      readonly kind: "definition";
      readonly keyword: "define" | "global" | "undefine" | "bcond_with" | "bcond_without" | "bcond";
      readonly name: string;
      readonly nameSpan: Span;
      /** The body, or a bcond's default. */
      readonly bodySpan: Span;
    }
  | {
      readonly kind: "condition";
      readonly keyword: ConditionKeyword;
      readonly argumentSpan: Span;
    }
  | { readonly kind: "section"; readonly name: string; readonly argumentSpan: Span }
  | { readonly kind: "include"; readonly argumentSpan: Span }
  | { readonly kind: "text" };

/**
 * One logical line: a line of the file, with those that a backslash or an open bracket joins to it.
 * The lines of a tree follow each other without gaps, line ends included.
 */
export interface SpecLine {
  readonly index: number;
  readonly span: Span;
  readonly content: LineContent;
  /** Index into the tree's sections. */
  readonly section: number;
  /** Index of the innermost conditional branch around it, -1 outside all. */
  readonly branch: number;
}

/** A section: its header line and what follows, whatever the conditions around its lines. */
export interface SpecSection {
  readonly index: number;
  /** `preamble` for what comes before the first header, else the header's word: `package`. */
  readonly name: string;
  /** Undefined for the preamble. */
  readonly header: SpecLine | undefined;
  /** Index of its first line after the header, and of the line after its last. */
  readonly firstLine: number;
  readonly endLine: number;
  readonly span: Span;
}

/** One branch of a conditional: `%if`, `%elif` or `%else` and the lines up to the next. */
export interface SpecBranch {
  readonly index: number;
  readonly conditional: number;
  readonly keyword: ConditionKeyword;
  readonly headerLine: number;
  /** Index of the line that ends the branch, or the number of lines when it is not closed. */
  readonly endLine: number;
  /** The branch around the whole conditional, -1 for none. */
  readonly parent: number;
}

/** `%if` to `%endif`. */
export interface SpecConditional {
  readonly index: number;
  readonly branches: readonly number[];
  /** Index of the `%endif` line; undefined when it is missing. */
  readonly endLine: number | undefined;
}

/** A problem of form, found without evaluating anything. */
export interface SyntaxProblem {
  readonly code: string;
  readonly message: string;
  readonly span: Span;
}

/** A spec as written: every character of it, in order, with its structure. */
export interface SpecTree {
  readonly source: SourceText;
  readonly lines: readonly SpecLine[];
  readonly sections: readonly SpecSection[];
  readonly conditionals: readonly SpecConditional[];
  readonly branches: readonly SpecBranch[];
  readonly problems: readonly SyntaxProblem[];
}

/** The text of a span. */
export function spanText(tree: SpecTree, span: Span): string {
  return tree.source.text.slice(span.start, span.end);
}

/** The text of a tree; parsing it again gives the same tree. */
export function printSpecText(tree: SpecTree): string {
  return tree.lines.map((line) => spanText(tree, line.span)).join("");
}

/** The bytes of a tree: exactly those it was parsed from, whatever they were. */
export function printSpec(tree: SpecTree): Uint8Array {
  const text = printSpecText(tree);
  return Buffer.from(text, tree.source.encoding === "latin1" ? "latin1" : "utf8");
}
