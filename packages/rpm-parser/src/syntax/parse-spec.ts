import { lineContent } from "./line-content.ts";
import { logicalLines } from "./logical-line.ts";
import { SourceText } from "./source-text.ts";
import type {
  SpecBranch,
  SpecConditional,
  SpecLine,
  SpecSection,
  SpecTree,
  SyntaxProblem,
} from "./spec-tree.ts";

const sectionsWithTags = new Set(["preamble", "package"]);

/**
 * Reads a spec into a lossless tree. Never fails: whatever does not fit is kept as it is and listed
 * in the tree's `problems`, and `printSpec(parseSpec(bytes))` is `bytes` for every input.
 *
 * @param file names the file in places; nothing is read.
 */
export function parseSpec(input: string | Uint8Array, file = "spec"): SpecTree {
  const source = new SourceText(file, input);
  const { spans, problems } = logicalLines(source.text, source.lineStarts);
  const builder = new TreeBuilder(source, problems);
  for (const span of spans) builder.add(span.start, span.end);
  return builder.finish();
}

interface OpenConditional {
  readonly index: number;
  readonly branches: number[];
  readonly parent: number;
  readonly start: number;
}

interface OpenSection {
  readonly name: string;
  readonly header: SpecLine | undefined;
  readonly firstLine: number;
}

class TreeBuilder {
  readonly #source: SourceText;
  readonly #problems: SyntaxProblem[];
  readonly #lines: SpecLine[] = [];
  readonly #sections: OpenSection[] = [{ name: "preamble", header: undefined, firstLine: 0 }];
  readonly #conditionals: SpecConditional[] = [];
  readonly #branches: { -readonly [K in keyof SpecBranch]: SpecBranch[K] }[] = [];
  readonly #open: OpenConditional[] = [];

  constructor(source: SourceText, problems: readonly SyntaxProblem[]) {
    this.#source = source;
    this.#problems = [...problems];
  }

  add(start: number, end: number): void {
    const span = { start, end };
    const index = this.#lines.length;
    const holdsTags = sectionsWithTags.has(this.#sections.at(-1)?.name ?? "");
    const content = lineContent(this.#source.text, span, holdsTags);
    // A condition's own line belongs to what is around the conditional.
    const isInner = content.kind === "condition" && !content.keyword.startsWith("if");
    const around = isInner ? this.#open.at(-1)?.parent : this.#open.at(-1)?.branches.at(-1);
    const isHeader = content.kind === "section";
    const line: SpecLine = {
      index,
      span,
      content,
      section: this.#sections.length - (isHeader ? 0 : 1),
      branch: around ?? -1,
    };
    this.#lines.push(line);
    if (isHeader) {
      this.#sections.push({ name: content.name, header: line, firstLine: index + 1 });
    }
    if (content.kind === "condition") this.#condition(line, content.keyword);
  }

  #condition(line: SpecLine, keyword: SpecBranch["keyword"]): void {
    if (keyword.startsWith("if")) {
      const index = this.#conditionals.length + this.#open.length;
      const open = { index, branches: [], parent: line.branch, start: line.span.start };
      this.#open.push(open);
      this.#branch(open, line, keyword);
      return;
    }
    const open = this.#open.at(-1);
    if (open === undefined) {
      this.#problem("condition-without-if", `%${keyword} with no %if`, line);
      return;
    }
    this.#closeBranch(open, line.index);
    if (keyword === "endif") {
      this.#open.pop();
      this.#conditionals.push({ index: open.index, branches: open.branches, endLine: line.index });
      return;
    }
    if (this.#branches[open.branches.at(-1) ?? -1]?.keyword === "else") {
      this.#problem("condition-after-else", `%${keyword} after %else`, line);
    }
    this.#branch(open, line, keyword);
  }

  #branch(open: OpenConditional, line: SpecLine, keyword: SpecBranch["keyword"]): void {
    const index = this.#branches.length;
    open.branches.push(index);
    this.#branches.push({
      index,
      conditional: open.index,
      keyword,
      headerLine: line.index,
      endLine: -1,
      parent: open.parent,
    });
  }

  #closeBranch(open: OpenConditional, endLine: number): void {
    const branch = this.#branches[open.branches.at(-1) ?? -1];
    if (branch !== undefined) branch.endLine = endLine;
  }

  #problem(code: string, message: string, line: SpecLine): void {
    this.#problems.push({ code, message, span: line.span });
  }

  finish(): SpecTree {
    for (const open of this.#open.toReversed()) {
      this.#closeBranch(open, this.#lines.length);
      this.#conditionals.push({ index: open.index, branches: open.branches, endLine: undefined });
      this.#problems.push({
        code: "condition-unclosed",
        message: "Unclosed %if",
        span: { start: open.start, end: open.start + 1 },
      });
    }
    return {
      source: this.#source,
      lines: this.#lines,
      sections: this.#sections.map((section, index) => this.#section(section, index)),
      conditionals: this.#conditionals.toSorted((a, b) => a.index - b.index),
      branches: this.#branches,
      problems: this.#problems,
    };
  }

  #section({ name, header, firstLine }: OpenSection, index: number): SpecSection {
    const next = this.#sections[index + 1];
    const endLine = next === undefined ? this.#lines.length : next.firstLine - 1;
    const start = header?.span.start ?? 0;
    const end = this.#lines[endLine]?.span.start ?? this.#source.text.length;
    return { index, name, header, firstLine, endLine, span: { start, end } };
  }
}
