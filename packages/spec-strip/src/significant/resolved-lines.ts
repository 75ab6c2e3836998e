import { spanText, type SpecBranch, type SpecLine, type SpecTree } from "rpm-parser";

/**
 * The lines of a spec that can count, whatever macros a build root brings: branches that a build
 * condition of the spec itself switches off are left out, and so are the lines of conditions that
 * are settled by them. A condition on anything else stays, with all its branches.
 *
 * @param macros names of the macros that the base defines
 */
export function resolvedLines(tree: SpecTree, macros: ReadonlySet<string>): readonly SpecLine[] {
  if (tree.conditionals.length === 0) return tree.lines;
  const states = settledConditions(tree, macros);
  const dropped = new Set<number>();
  const settledMarks = new Set<number>();
  for (const { branches, endLine } of tree.conditionals) {
    const all = branches.flatMap((index) => tree.branches[index] ?? []);
    const taken = takenBranch(tree, all, states);
    if (taken === undefined || endLine === undefined) continue;
    for (const branch of all) {
      settledMarks.add(branch.headerLine);
      if (branch !== taken.branch) dropped.add(branch.index);
    }
    settledMarks.add(endLine);
  }
  const isDropped = (branch: number): boolean => {
    for (let at = branch; at >= 0; at = tree.branches[at]?.parent ?? -1) {
      if (dropped.has(at)) return true;
    }
    return false;
  };
  return tree.lines.filter((line) => !settledMarks.has(line.index) && !isDropped(line.branch));
}

interface ConditionState {
  readonly isEnabled: boolean;
  readonly line: number;
}

/**
 * Build conditions whose state the spec's text settles: declared once, outside all conditions, with
 * a literal default, and never touched by the names of the macros behind them.
 */
function settledConditions(
  tree: SpecTree,
  macros: ReadonlySet<string>,
): ReadonlyMap<string, ConditionState> {
  const { text } = tree.source;
  const found = new Map<string, ConditionState>();
  // Each of these can define any macro without its name being there to read.
  if (/%\{?(?:lua|load|expand|include)\b|with(?:out)?_%/.test(text)) return found;
  const declared = new Map<string, number>();
  for (const line of tree.lines) {
    const { content } = line;
    if (content.kind !== "definition" || !content.keyword.startsWith("bcond")) continue;
    const { name } = content;
    declared.set(name, (declared.get(name) ?? 0) + 1);
    const isEnabled = literalDefault(content.keyword, spanText(tree, content.bodySpan));
    if (line.branch !== -1 || isEnabled === undefined) continue;
    found.set(name, { isEnabled, line: line.index });
  }
  for (const name of found.keys()) {
    // `%{?with_x11:...}` only reads it.
    const isNamed = new RegExp(
      `(?<!%\\{[!?]{0,2})(?<![A-Za-z0-9_])_?with(?:out)?_${name}(?![A-Za-z0-9_])`,
    ).test(text);
    const isSwitched = [`_with_${name}`, `_without_${name}`, `with_${name}`].some((one) =>
      macros.has(one),
    );
    if (declared.get(name) !== 1 || isNamed || isSwitched) found.delete(name);
  }
  return found;
}

function literalDefault(keyword: string, body: string): boolean | undefined {
  if (keyword === "bcond_with") return body === "" ? false : undefined;
  if (keyword === "bcond_without") return body === "" ? true : undefined;
  return body === "0" ? false : body === "1" ? true : undefined;
}

/** The branch that counts, `undefined` in it for none of them; undefined where that is open. */
function takenBranch(
  tree: SpecTree,
  branches: readonly SpecBranch[],
  states: ReadonlyMap<string, ConditionState>,
): { readonly branch: SpecBranch | undefined } | undefined {
  for (const branch of branches) {
    if (branch.keyword === "else") return { branch };
    const line = tree.lines[branch.headerLine];
    if (line === undefined || line.content.kind !== "condition") return undefined;
    if (branch.keyword !== "if" && branch.keyword !== "elif") return undefined;
    const holds = conditionHolds(spanText(tree, line.content.argumentSpan), line.index, states);
    if (holds === undefined) return undefined;
    if (holds) return { branch };
  }
  return { branch: undefined };
}

const tokens = /\s+|%\{(with|without)\s+(\w+)\}|&&|\|\||[!()01]/gy;

/** Evaluates a condition of nothing but build conditions, 0 and 1; undefined for any other. */
function conditionHolds(
  text: string,
  line: number,
  states: ReadonlyMap<string, ConditionState>,
): boolean | undefined {
  const words: string[] = [];
  let at = 0;
  for (const match of text.matchAll(tokens)) {
    at = match.index + match[0].length;
    const [word, keyword, name = ""] = match;
    if (word.trim() === "") continue;
    if (keyword === undefined) words.push(word);
    else {
      const state = states.get(name);
      if (state === undefined || state.line > line) return undefined;
      words.push(state.isEnabled === (keyword === "with") ? "1" : "0");
    }
  }
  if (at !== text.length) return undefined;
  let next = 0;
  const unary = (): boolean | undefined => {
    const word = words[next];
    next += 1;
    if (word === "0" || word === "1") return word === "1";
    if (word === "!") {
      const value = unary();
      return value === undefined ? undefined : !value;
    }
    if (word !== "(") return undefined;
    const value = either();
    next += 1;
    return words[next - 1] === ")" ? value : undefined;
  };
  // rpm joins both operators from the left, neither before the other.
  const either = (): boolean | undefined => {
    let value = unary();
    while (value !== undefined && (words[next] === "&&" || words[next] === "||")) {
      const isBoth = words[next] === "&&";
      next += 1;
      const other = unary();
      if (other === undefined) return undefined;
      value = isBoth ? value && other : value || other;
    }
    return value;
  };
  const value = either();
  return next === words.length ? value : undefined;
}
