import { ownValue } from "../macro/own-value.ts";
import { evaluateExpression } from "../macro/expression.ts";
import { ExpressionError } from "../macro/expression-token.ts";
import type { ShellResult } from "../macro/host.ts";
import { shellCommands } from "./shell-command.ts";
import type { CommandOutcome, ShellSurroundings } from "./shell-surroundings.ts";
import { expandParameter, isBashOperation } from "./shell-parameter.ts";
import { parseShell, type ShellList, type ShellNode, type ShellPipeline } from "./shell-syntax.ts";
import { tokenize, UnknownShell, type WordPart } from "./shell-word.ts";

const commandCharactersMax = 20_000;
const textCharactersMax = 1_000_000;
const depthMax = 20;
const stepsMax = 10_000;

/**
 * What a shell command of a spec would print, as far as it is one of the harmless idioms specs use:
 * `echo`, `printf`, `cut`, `sed s///`, `tr`, `awk '{print $1}'`, `head`, `date` with
 * SOURCE_DATE_EPOCH and their like, in pipes, lists and `if`, with variables and parameter expansion;
 * and what the surroundings say that other programs answer. Nothing is run. Anything else is
 * `unknown`; it is never guessed.
 */
export function emulateShell(command: string, surroundings: ShellSurroundings): ShellResult {
  if (command.length > commandCharactersMax)
    return { unknown: "the command is too long to imitate" };
  const answer = ownValue(surroundings.answers, command.trim());
  if (typeof answer === "string") return { output: answer };
  try {
    const shell = new Shell(surroundings, new Map(), 0, { steps: 0 });
    return { output: shell.run(command, "").output };
  } catch (error) {
    if (!(error instanceof UnknownShell)) throw error;
    return { unknown: `${error.message} is not imitated: ${command.slice(0, 200)}` };
  }
}

/** The shell ends here: a `${x:0:7}` that dash does not know, or `exit`. */
class ShellExit extends Error {
  readonly status: number;

  constructor(status: number) {
    super("the shell ends");
    this.status = status;
  }
}

/** Some of these count bytes, others characters, and not everywhere the same ones. */
const countsCharacters = new Set(["cut", "tr", "rev", "wc", "head", "tail", "awk", "gawk"]);

/** Variables that a shell sets by itself: without a value for them, they are not known. */
const ownVariables =
  /^(?:PWD|OLDPWD|HOME|PATH|IFS|SHELL|USER|LOGNAME|UID|EUID|PPID|RANDOM|SECONDS|LINENO|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|OPT\w+|PS\d|SHLVL|TERM|LANG|LC_\w+|TZ|_|BASH\w*)$/;

class Shell {
  readonly #surroundings: ShellSurroundings;
  readonly #variables: Map<string, string>;
  readonly #depth: number;
  /** Shared by all shells of one command. */
  readonly #budget: { steps: number };
  #status = 0;
  #output = "";

  constructor(
    surroundings: ShellSurroundings,
    variables: Map<string, string>,
    depth: number,
    budget: { steps: number },
  ) {
    if (depth > depthMax) throw new UnknownShell("nesting this deep");
    this.#surroundings = surroundings;
    this.#variables = variables;
    this.#depth = depth;
    this.#budget = budget;
  }

  /** Runs a command to its end, as a shell of its own. */
  run(command: string | ShellList, input: string): CommandOutcome {
    try {
      this.#list(typeof command === "string" ? parseShell(command) : command, input);
    } catch (error) {
      if (!(error instanceof ShellExit)) throw error;
      this.#status = error.status;
    }
    return { output: this.#output, status: this.#status };
  }

  /** A subshell; with the same variables where they are to stay. */
  #fork(variables = new Map(this.#variables)): Shell {
    const inner = new Shell(this.#surroundings, variables, this.#depth + 1, this.#budget);
    inner.#status = this.#status;
    return inner;
  }

  #list(list: ShellList, input: string): void {
    for (const { after, pipeline } of list) {
      this.#budget.steps += 1;
      if (this.#budget.steps > stepsMax) throw new UnknownShell("a command of so many steps");
      if (after === ";" || (after === "&&") === (this.#status === 0))
        this.#pipeline(pipeline, input);
    }
  }

  #pipeline({ isNegated, stages }: ShellPipeline, input: string): void {
    const [first] = stages;
    if (first !== undefined && stages.length === 1) this.#node(first, input);
    else {
      let done: CommandOutcome = { output: input, status: 0 };
      for (const stage of stages) {
        const pipeline = { isNegated: false, stages: [stage] };
        done = this.#fork().run([{ after: ";", pipeline }], done.output);
      }
      this.#print(done.output);
      this.#status = done.status;
    }
    if (isNegated) this.#status = this.#status === 0 ? 1 : 0;
  }

  #print(text: string): void {
    this.#output = bounded(this.#output + text);
  }

  #node(node: ShellNode, given: string): void {
    const { isSilent, hasNoInput, inputWord, isBashOnly } = node.redirections;
    if (isBashOnly) {
      // To dash a `<<<` is an error of syntax, which it finds before it runs anything.
      const isAlone = inputWord !== undefined && this.#output === "" && this.#depth === 0;
      const ending = isAlone ? new ShellExit(2) : new UnknownShell("redirection");
      this.#needsBash("redirection", ending);
    }
    const input =
      inputWord === undefined ? (hasNoInput ? "" : given) : `${this.#text(inputWord)}\n`;
    const before = this.#output;
    if (node.kind === "simple") this.#simple(node, input);
    else if (node.kind === "if") this.#if(node, input);
    else if (node.isSubshell) {
      const done = this.#fork().run(node.body, input);
      this.#print(done.output);
      this.#status = done.status;
    } else this.#list(node.body, input);
    if (isSilent) this.#output = before;
  }

  #if(node: ShellNode & { kind: "if" }, input: string): void {
    for (const { condition, body } of node.branches) {
      this.#list(condition, input);
      if (this.#status !== 0) continue;
      this.#list(body, input);
      return;
    }
    this.#status = 0;
    if (node.otherwise !== undefined) this.#list(node.otherwise, input);
  }

  #simple(node: ShellNode & { kind: "simple" }, input: string): void {
    const words = node.words.flatMap((parts) => this.#words(parts));
    const [name, ...rest] = words;
    if (name === undefined) this.#status = 0;
    for (const assigned of node.assignments) {
      const value = this.#text(assigned.value);
      // In front of a command a value is for that command alone, and none here looks at it.
      if (name !== undefined) continue;
      if (assigned.name === "IFS") throw new UnknownShell("IFS");
      this.#variables.set(assigned.name, bounded(value));
    }
    if (name === undefined) return;
    const answer = ownValue(this.#surroundings.answers, words.join(" "));
    if (answer !== undefined) {
      if (typeof answer === "string") this.#print(answer);
      this.#status = typeof answer === "string" ? 0 : answer;
    } else if (name === "eval") this.#eval(rest.join(" "), input);
    else if (name === "exit") throw new ShellExit(Number(rest[0] ?? this.#status));
    else {
      const command = shellCommands.get(name.replace(/^\/(?:usr\/)?bin\//, ""));
      if (command === undefined) throw new UnknownShell(`the command '${name.slice(0, 40)}'`);
      if (countsCharacters.has(name) && /[^\0-\u007f]/.test([input, ...rest].join(""))) {
        throw new UnknownShell("text beyond ASCII");
      }
      const done = command(rest, input, this.#surroundings);
      this.#print(done.output);
      this.#status = done.status;
    }
  }

  #eval(command: string, input: string): void {
    const done = this.#fork(this.#variables).run(command, input);
    this.#print(done.output);
    this.#status = done.status;
  }

  /** Goes on in bash; `ending` is how dash ends. Which of the two it is may not be known. */
  #needsBash(what: string, ending: Error): void {
    const { shell } = this.#surroundings;
    if (shell === undefined) throw new UnknownShell(`${what} of bash`);
    if (shell === "dash") throw ending;
  }

  /** The value of a word that is not split. */
  #text(parts: readonly WordPart[]): string {
    return bounded(parts.map((part) => this.#value(part)).join(""));
  }

  /** A word expanded; values that are not quoted are split at white space. */
  #words(parts: readonly WordPart[]): readonly string[] {
    const words: string[] = [];
    let word: string | undefined;
    for (const part of parts) {
      const value = bounded(this.#value(part));
      if ((part.kind !== "variable" && part.kind !== "command") || part.isQuoted) {
        word = (word ?? "") + value;
        continue;
      }
      if (/[*?[]/.test(value)) throw new UnknownShell("file name pattern");
      for (const [index, piece] of value.split(/[ \t\n]+/).entries()) {
        if (index > 0 && word !== undefined) {
          words.push(word);
          word = undefined;
        }
        if (piece !== "") word = (word ?? "") + piece;
      }
    }
    if (word !== undefined) words.push(word);
    return words;
  }

  #value(part: WordPart): string {
    if (part.kind === "text") return part.text;
    if (part.kind === "arithmetic") return this.#arithmetic(part.text);
    if (part.kind === "command") {
      const done = this.#fork().run(part.text, "");
      this.#status = done.status;
      return done.output.replace(/\n+$/, "");
    }
    if (part.name === "?") return String(this.#status);
    if (isBashOperation(part.operation)) {
      this.#needsBash(`\${${part.name}${part.operation}}`, new ShellExit(2));
    }
    return expandParameter(this.#variable(part.name), part.operation, (text) => {
      const [word, more] = tokenize(text);
      if (word?.kind !== "word" || more !== undefined) {
        if (word === undefined) return "";
        throw new UnknownShell("this parameter expansion");
      }
      return this.#text(word.parts);
    });
  }

  #variable(name: string): string | undefined {
    const value = this.#variables.get(name) ?? ownValue(this.#surroundings.environment, name);
    if (value === undefined && ownVariables.test(name)) throw new UnknownShell(`$${name}`);
    return value;
  }

  /** Integers with `+ - * /`, comparisons and parentheses; what rpm's expressions know as well. */
  #arithmetic(text: string): string {
    const plain = text
      .replace(/\$\(([^()]*)\)/g, (_whole, command: string) =>
        this.#fork().run(command, "").output.trim(),
      )
      .replace(/\$?\{?([A-Za-z_]\w*)\}?/g, (_whole, name: string) => {
        const value = this.#variable(name) ?? "";
        if (!/^-?(?:0|[1-9]\d{0,14})?$/.test(value)) throw new UnknownShell("this arithmetic");
        return String(Number(value));
      });
    if (/\+\+|--|[^\d\s()+*/<>=!&|-]|\b0\d/.test(plain)) throw new UnknownShell("this arithmetic");
    try {
      const value = evaluateExpression(plain, { expand: undefined });
      if (value.type === "integer") return String(value.value);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
    throw new UnknownShell("this arithmetic");
  }
}

/** Doubling a variable often enough would fill the memory. */
function bounded(text: string): string {
  if (text.length > textCharactersMax) throw new UnknownShell("so much text");
  return text;
}
