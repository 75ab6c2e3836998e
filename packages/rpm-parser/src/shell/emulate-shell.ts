import { evaluateExpression } from "../macro/expression.ts";
import { ExpressionError } from "../macro/expression-token.ts";
import type { ShellResult } from "../macro/host.ts";
import { type CommandOutcome, shellCommands, type ShellSurroundings } from "./shell-command.ts";
import { type ShellToken, tokenize, UnknownShell, type WordPart } from "./shell-word.ts";

const nothingAround: ShellSurroundings = {
  read: () => undefined,
  environment: {},
  processors: 1,
};

const lengthMax = 20_000;
const depthMax = 20;

/**
 * What a shell command of a spec would print, as far as it is one of the harmless idioms specs use:
 * `echo`, `printf`, `cut`, `sed s///`, `tr`, `awk '{print $1}'`, `head`, `date` with
 * SOURCE_DATE_EPOCH and their like, in pipes and lists, with variables and parameter expansion.
 * Nothing is run. Anything else is `unknown`; it is never guessed.
 */
export function emulateShell(
  command: string,
  surroundings: ShellSurroundings = nothingAround,
): ShellResult {
  if (command.length > lengthMax) return { unknown: "the command is too long to imitate" };
  try {
    return { output: new Shell(surroundings, new Map(), 0).run(command, "").output };
  } catch (error) {
    if (!(error instanceof UnknownShell)) throw error;
    return { unknown: `${error.message} is not imitated: ${command.slice(0, 200)}` };
  }
}

class Shell {
  readonly #surroundings: ShellSurroundings;
  readonly #variables: Map<string, string>;
  readonly #depth: number;

  constructor(surroundings: ShellSurroundings, variables: Map<string, string>, depth: number) {
    if (depth > depthMax) throw new UnknownShell("nesting this deep");
    this.#surroundings = surroundings;
    this.#variables = variables;
    this.#depth = depth;
  }

  run(command: string, input: string): CommandOutcome {
    const tokens = tokenize(command);
    let output = "";
    let status = 0;
    let connector = ";";
    const branches: Branch[] = [];
    for (const list of splitLists(tokens)) {
      let { rest, keyword } = takeKeyword(list.tokens);
      while (keyword !== undefined) {
        enterBranch(branches, keyword, status);
        connector = ";";
        ({ rest, keyword } = takeKeyword(rest));
      }
      const isDue = connector === ";" || (connector === "&&" ? status === 0 : status !== 0);
      connector = list.connector;
      const counts = branches.every((one) => one.isActive);
      if (!isDue || !counts || rest.length === 0) continue;
      const done = this.#pipeline(rest, input);
      output += done.output;
      status = done.status;
    }
    if (branches.length > 0) throw new UnknownShell("an if without its fi");
    return { output, status };
  }

  #pipeline(tokens: readonly ShellToken[], input: string): CommandOutcome {
    const isNegated = tokens[0]?.kind === "word" && literal(tokens[0].parts) === "!";
    let done: CommandOutcome = { output: input, status: 0 };
    for (const stage of splitAt(isNegated ? tokens.slice(1) : tokens, "|")) {
      done = this.#command(stage, done.output);
    }
    return isNegated ? { output: done.output, status: done.status === 0 ? 1 : 0 } : done;
  }

  #command(tokens: readonly ShellToken[], input: string): CommandOutcome {
    const first = tokens[0];
    if (first?.kind === "operator" && first.text === "(") return this.#subshell(tokens, input);
    const words: string[] = [];
    let isSilent = false;
    for (const token of tokens) {
      if (token.kind === "operator") {
        if (/^(?:1|&)?>\/dev\/null$/.test(token.text) || token.text === ">&2") isSilent = true;
        else if (!/^2>|^<\/dev\/null$/.test(token.text)) throw new UnknownShell(token.text);
        continue;
      }
      const assigned = words.length === 0 ? assignment(token.parts) : undefined;
      if (assigned === undefined) words.push(...this.#expand(token.parts));
      else this.#variables.set(assigned.name, this.#expand(assigned.parts, true).join(" "));
    }
    const [name, ...rest] = words;
    if (name === undefined) return { output: "", status: 0 };
    const command = shellCommands.get(name.replace(/^\/(?:usr\/)?bin\//, ""));
    if (command === undefined) throw new UnknownShell(`the command '${name.slice(0, 40)}'`);
    const done = command(rest, input, this.#surroundings);
    return isSilent ? { output: "", status: done.status } : done;
  }

  #subshell(tokens: readonly ShellToken[], input: string): CommandOutcome {
    const last = tokens.at(-1);
    if (last?.kind !== "operator" || last.text !== ")") throw new UnknownShell("a subshell");
    const inner = new Shell(this.#surroundings, new Map(this.#variables), this.#depth + 1);
    let output = "";
    let status = 0;
    for (const list of splitLists(tokens.slice(1, -1))) {
      if (list.tokens.length === 0) continue;
      if (list.connector !== ";") throw new UnknownShell("a list in a subshell");
      const done = inner.#pipeline(list.tokens, input);
      output += done.output;
      status = done.status;
    }
    return { output, status };
  }

  /** A word expanded; unquoted values are split at white space unless they are assigned. */
  #expand(parts: readonly WordPart[], isAssigned = false): readonly string[] {
    const words: string[] = [];
    let word: string | undefined;
    for (const part of parts) {
      const value = this.#value(part);
      const isSplit =
        !isAssigned && (part.kind === "variable" || part.kind === "command") && !part.isQuoted;
      if (!isSplit) {
        word = (word ?? "") + value;
        continue;
      }
      const pieces = value.split(/[ \t\n]+/);
      for (const [index, piece] of pieces.entries()) {
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
    switch (part.kind) {
      case "text":
        return part.text;
      case "variable":
        return this.#variable(part.name, part.operation);
      case "command": {
        const inner = new Shell(this.#surroundings, new Map(this.#variables), this.#depth + 1);
        return inner.run(part.text, "").output.replace(/\n+$/, "");
      }
      default:
        return this.#arithmetic(part.text);
    }
  }

  #variable(name: string, operation: string): string {
    const value = this.#variables.get(name) ?? this.#surroundings.environment[name] ?? "";
    if (operation === "") return value;
    const fallback = /^:?-([\w./-]*)$/.exec(operation);
    if (fallback !== null) return value === "" ? (fallback[1] ?? "") : value;
    const cutting = /^(##?|%%?)([^\\]*)$/.exec(operation);
    if (cutting === null) throw new UnknownShell(`\${${name}${operation}}`);
    return cutPattern(value, cutting[1] ?? "", cutting[2] ?? "");
  }

  /** Integers with `+ - * /`, comparisons and parentheses; what rpm's expressions know as well. */
  #arithmetic(text: string): string {
    const plain = text
      .replace(/\$\(([^()]*)\)/g, (_whole, command: string) => {
        const inner = new Shell(this.#surroundings, new Map(this.#variables), this.#depth + 1);
        return inner.run(command, "").output.trim();
      })
      .replace(/\$?([A-Za-z_]\w*)/g, (_whole, name: string) =>
        String(Number(this.#variable(name, ""))),
      );
    try {
      const value = evaluateExpression(plain, { expand: undefined });
      if (value.type === "integer") return String(value.value);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
    throw new UnknownShell("this arithmetic");
  }
}

/** A part of `if ...; then ...; else ...; fi` that is being read. */
interface Branch {
  /** Whether its commands run. */
  isActive: boolean;
  /** Whether one of the branches was taken, so that no later one is. */
  isTaken: boolean;
}

const keywords = new Set(["if", "then", "elif", "else", "fi"]);

/** The keyword a list begins with, and the rest. */
function takeKeyword(tokens: readonly ShellToken[]): {
  readonly rest: readonly ShellToken[];
  readonly keyword: string | undefined;
} {
  const [first, ...others] = tokens;
  const word = first?.kind === "word" ? literal(first.parts) : undefined;
  if (word === undefined || !keywords.has(word)) return { rest: tokens, keyword: undefined };
  return { rest: others, keyword: word };
}

/** Goes into the next part of an `if`; `status` is that of the condition just run. */
function enterBranch(branches: Branch[], keyword: string, status: number): void {
  if (keyword === "if") {
    branches.push({ isActive: true, isTaken: false });
    return;
  }
  const current = branches.at(-1);
  if (current === undefined) throw new UnknownShell(keyword);
  if (keyword === "fi") branches.pop();
  else if (keyword === "then") {
    current.isActive = current.isActive && status === 0 && !current.isTaken;
    if (current.isActive) current.isTaken = true;
  } else current.isActive = !current.isTaken;
}

/** `${x#pattern}` and its like: the shortest or longest match goes. */
function cutPattern(value: string, operator: string, pattern: string): string {
  if (/[[\]]/.test(pattern)) throw new UnknownShell("this pattern");
  const source = pattern.replace(/[.+^${}()|\\]/g, "\\$&").replace(/\?/g, ".");
  const isLong = operator.length === 2;
  const regexp = source.replace(/\*/g, isLong ? ".*" : ".*?");
  if (operator.startsWith("#")) return value.replace(new RegExp(`^${regexp}`, "s"), "");
  // From the end, the shortest match begins as late as it can.
  const whole = new RegExp(`^(${isLong ? ".*?" : ".*"})${source.replace(/\*/g, ".*")}$`, "s");
  return whole.exec(value)?.[1] ?? value;
}

function literal(parts: readonly WordPart[]): string | undefined {
  return parts.every((part) => part.kind === "text")
    ? parts.map((part) => (part.kind === "text" ? part.text : "")).join("")
    : undefined;
}

/** `name=value` at the start of a command. */
function assignment(
  parts: readonly WordPart[],
): { name: string; parts: readonly WordPart[] } | undefined {
  let name = "";
  for (const [index, part] of parts.entries()) {
    if (part.kind !== "text") return undefined;
    if (part.text === "=") {
      return /^[A-Za-z_]\w*$/.test(name) ? { name, parts: parts.slice(index + 1) } : undefined;
    }
    name += part.text;
  }
  return undefined;
}

function splitLists(
  tokens: readonly ShellToken[],
): readonly { tokens: readonly ShellToken[]; connector: string }[] {
  const lists: { tokens: ShellToken[]; connector: string }[] = [{ tokens: [], connector: ";" }];
  let level = 0;
  for (const token of tokens) {
    if (token.kind === "operator" && token.text === "(") level += 1;
    if (token.kind === "operator" && token.text === ")") level -= 1;
    const current = lists.at(-1);
    if (token.kind === "operator" && level === 0 && [";", "&&", "||"].includes(token.text)) {
      if (current !== undefined) current.connector = token.text;
      lists.push({ tokens: [], connector: ";" });
    } else current?.tokens.push(token);
  }
  return lists;
}

function splitAt(tokens: readonly ShellToken[], operator: string): readonly ShellToken[][] {
  const parts: ShellToken[][] = [[]];
  let level = 0;
  for (const token of tokens) {
    if (token.kind === "operator" && token.text === "(") level += 1;
    if (token.kind === "operator" && token.text === ")") level -= 1;
    if (token.kind === "operator" && token.text === operator && level === 0) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}
