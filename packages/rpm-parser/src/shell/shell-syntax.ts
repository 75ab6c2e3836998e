import { type ShellToken, tokenize, UnknownShell, type WordPart } from "./shell-word.ts";

type Word = readonly WordPart[];

export interface Redirections {
  /** Standard output goes nowhere, or to standard error. */
  readonly isSilent: boolean;
  /** `< /dev/null`. */
  readonly hasNoInput: boolean;
  /** `<<< word`. */
  readonly inputWord: Word | undefined;
  /** `&>` and `<<<` mean in other shells than bash something else, or nothing. */
  readonly isBashOnly: boolean;
}

export type ShellNode = (
  | {
      readonly kind: "simple";
      readonly assignments: readonly { readonly name: string; readonly value: Word }[];
      readonly words: readonly Word[];
    }
  | { readonly kind: "group"; readonly body: ShellList; readonly isSubshell: boolean }
  | {
      readonly kind: "if";
      readonly branches: readonly { readonly condition: ShellList; readonly body: ShellList }[];
      readonly otherwise: ShellList | undefined;
    }
) & { readonly redirections: Redirections };

export interface ShellPipeline {
  readonly isNegated: boolean;
  readonly stages: readonly ShellNode[];
}

/** Pipelines with what stands before each: it runs always, after success, or after failure. */
export type ShellList = readonly {
  readonly after: ";" | "&&" | "||";
  readonly pipeline: ShellPipeline;
}[];

const depthMax = 40;

/** Reads lists, pipelines, groups, subshells and `if`; everything else is not imitated. */
export function parseShell(command: string): ShellList {
  const parser = new Parser(tokenize(command));
  const list = parser.list(new Set());
  parser.expectEnd();
  return list;
}

class Parser {
  readonly #tokens: readonly ShellToken[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly ShellToken[]) {
    this.#tokens = tokens;
  }

  expectEnd(): void {
    const token = this.#tokens[this.#at];
    if (token !== undefined) throw new UnknownShell(describe(token));
  }

  /** Up to one of these words, where a command could begin, or to the end of a group. */
  list(stops: ReadonlySet<string>): ShellList {
    this.#depth += 1;
    if (this.#depth > depthMax) throw new UnknownShell("nesting this deep");
    const list: { after: ";" | "&&" | "||"; pipeline: ShellPipeline }[] = [];
    let after: ";" | "&&" | "||" = ";";
    for (;;) {
      while (this.#takesOperator(";"));
      if (this.#isEnd(stops)) {
        if (after !== ";") throw new UnknownShell("a list without end");
        this.#depth -= 1;
        return list;
      }
      list.push({ after, pipeline: this.#pipeline() });
      if (this.#takesOperator("&&")) after = "&&";
      else if (this.#takesOperator("||")) after = "||";
      else if (this.#takesOperator(";") || this.#isEnd(stops)) after = ";";
      else this.expectEnd();
    }
  }

  #isEnd(stops: ReadonlySet<string>): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined) return true;
    if (token.kind === "operator") return token.text === ")";
    return stops.has(this.#keyword() ?? "");
  }

  /** The token in hand as a word of plain text that no quotes could have made. */
  #keyword(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.kind === "word" ? literal(token.parts) : undefined;
  }

  #takesOperator(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "operator" || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #takesWord(text: string): boolean {
    if (this.#keyword() !== text) return false;
    this.#at += 1;
    return true;
  }

  #needsWord(text: string): void {
    if (!this.#takesWord(text)) throw new UnknownShell(`a command without its ${text}`);
  }

  #pipeline(): ShellPipeline {
    const isNegated = this.#takesWord("!");
    const stages = [this.#command()];
    while (this.#takesOperator("|")) {
      while (this.#takesOperator(";"));
      stages.push(this.#command());
    }
    return { isNegated, stages };
  }

  #command(): ShellNode {
    if (this.#takesOperator("(")) {
      const body = this.list(new Set());
      if (!this.#takesOperator(")")) throw new UnknownShell("a subshell");
      return { kind: "group", body, isSubshell: true, redirections: this.#redirections() };
    }
    if (this.#takesWord("{")) {
      const body = this.list(new Set(["}"]));
      this.#needsWord("}");
      return { kind: "group", body, isSubshell: false, redirections: this.#redirections() };
    }
    if (this.#takesWord("if")) return this.#if();
    const keyword = this.#keyword() ?? "";
    if (unknownKeywords.has(keyword)) throw new UnknownShell(`'${keyword}'`);
    return this.#simple();
  }

  #if(): ShellNode {
    const branches: { condition: ShellList; body: ShellList }[] = [];
    let otherwise: ShellList | undefined;
    do {
      const condition = this.list(new Set(["then"]));
      this.#needsWord("then");
      branches.push({ condition, body: this.list(new Set(["elif", "else", "fi"])) });
    } while (this.#takesWord("elif"));
    if (this.#takesWord("else")) otherwise = this.list(new Set(["fi"]));
    this.#needsWord("fi");
    return { kind: "if", branches, otherwise, redirections: this.#redirections() };
  }

  #simple(): ShellNode {
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirections: ShellToken[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === undefined || token.kind === "operator") break;
      this.#at += 1;
      if (token.kind === "redirection") {
        redirections.push(token);
        if (token.text === "<<<") redirections.push(this.#next());
        continue;
      }
      const assigned = words.length === 0 ? assignment(token.parts) : undefined;
      if (assigned === undefined) words.push(token.parts);
      else assignments.push(assigned);
    }
    if (assignments.length + words.length + redirections.length === 0) {
      const token = this.#tokens[this.#at];
      throw new UnknownShell(token === undefined ? "a list without end" : describe(token));
    }
    return { kind: "simple", assignments, words, redirections: redirectionsOf(redirections) };
  }

  #next(): ShellToken {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "word") throw new UnknownShell("redirection");
    this.#at += 1;
    return token;
  }

  #redirections(): Redirections {
    const found: ShellToken[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token?.kind !== "redirection" || token.text === "<<<") break;
      found.push(token);
      this.#at += 1;
    }
    return redirectionsOf(found);
  }
}

const unknownKeywords = new Set(
  "for while until case select function do done then fi }".split(" "),
);

function redirectionsOf(tokens: readonly ShellToken[]): Redirections {
  const texts = tokens.map((token) => (token.kind === "redirection" ? token.text : ""));
  const word = tokens[texts.indexOf("<<<") + 1];
  return {
    isSilent: texts.some((text) => /^[1&]?>>?(?:\/dev\/null|&2)$/.test(text)),
    hasNoInput: texts.includes("</dev/null"),
    inputWord: texts.includes("<<<") && word?.kind === "word" ? word.parts : undefined,
    isBashOnly: texts.some((text) => text === "<<<" || text.startsWith("&>")),
  };
}

function describe(token: ShellToken): string {
  return token.kind === "word" ? `'${literal(token.parts) ?? "..."}' here` : `'${token.text}' here`;
}

function literal(parts: Word): string | undefined {
  return parts.every((part) => part.kind === "text" && !part.isQuoted)
    ? parts.map((part) => (part.kind === "text" ? part.text : "")).join("")
    : undefined;
}

/** `name=value` at the start of a command. */
function assignment(parts: Word): { name: string; value: Word } | undefined {
  let name = "";
  for (const [index, part] of parts.entries()) {
    if (part.kind !== "text" || part.isQuoted) return undefined;
    if (part.text === "=") {
      return /^[A-Za-z_]\w*$/.test(name) ? { name, value: parts.slice(index + 1) } : undefined;
    }
    name += part.text;
  }
  return undefined;
}
