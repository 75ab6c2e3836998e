/** A line of a build script: as it stands, and with its macros expanded as far as they are known. */
export interface ScriptLine {
  readonly text: string;
  readonly expanded: string;
}

/** What only rpm knows: a macro call that is still there after expansion. */
const unknownMacro = /%[A-Za-z_{(*#?!-]/;

/** Ways for a script to see its own text. */
const seesItself = /\$\{?(?:0|LINENO|BASH_\w+)(?![A-Za-z0-9_])/;

/**
 * The lines of a shell script without those that are comments or blank, as far as that is certain:
 * from a line on that is not understood (a macro nobody knows, a backquote, a substitution within
 * double quotes), every line stays.
 */
export function significantScriptLines(lines: readonly ScriptLine[]): string[] {
  if (lines.some(({ expanded }) => seesItself.test(expanded))) return lines.map(({ text }) => text);
  const kept: string[] = [];
  let state: ShellState = atCommand;
  for (const { text, expanded } of lines) {
    const isPlain = text === expanded && !text.trimEnd().includes("\n");
    if (state.kind === "command" && isPlain && /^\s*(?:#|$)/.test(text) && !text.includes("%")) {
      continue;
    }
    kept.push(text);
    state = unknownMacro.test(expanded) ? lost : afterText(state, expanded);
  }
  return kept;
}

/** Where a script stands at the beginning of a line. */
type ShellState =
  /** Between words, outside of everything. */
  | { readonly kind: "command" }
  /** Behind a backslash at the end of a line: what comes is no line of its own. */
  | { readonly kind: "continued" }
  | { readonly kind: "quoted"; readonly quote: "'" | '"' }
  /** Here-documents, in their order. */
  | { readonly kind: "document"; readonly ends: readonly HereDocument[] }
  /** Not understood; it is never left again. */
  | { readonly kind: "lost" };

interface HereDocument {
  readonly end: string;
  readonly isIndented: boolean;
}

const atCommand: ShellState = { kind: "command" };
const lost: ShellState = { kind: "lost" };

function afterText(state: ShellState, text: string): ShellState {
  const whole = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (!whole.includes("\n")) return afterLine(state, whole);
  const lines = whole.split("\n");
  return lines.reduce((at, line) => afterLine(at, line), state);
}

function afterLine(state: ShellState, line: string): ShellState {
  if (state.kind === "lost") return lost;
  if (state.kind === "document") {
    const [first, ...others] = state.ends;
    if (first === undefined) return lost;
    const isEnd = (first.isIndented ? line.replace(/^\t+/, "") : line) === first.end;
    if (!isEnd) return state;
    return others.length === 0 ? atCommand : { kind: "document", ends: others };
  }
  // It may be the rest of a word.
  if (state.kind === "continued" && line.startsWith("#")) return lost;
  return afterWords(state.kind === "quoted" ? state.quote : undefined, line);
}

const document = /<<(-?)[ \t]*(?:'([^']*)'|"([^"\\$`]*)"|\\?([A-Za-z_]\w*))(?=[\s;|&)]|$)/y;

/** All that can open something outside of quotes, or hide what does. */
const opening = /[\\`'"#]|<</;

function afterWords(openQuote: "'" | '"' | undefined, line: string): ShellState {
  if (openQuote === undefined && !opening.test(line)) return atCommand;
  const ends: HereDocument[] = [];
  let quote = openQuote;
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? "";
    if (quote === "'") {
      if (character === "'") quote = undefined;
    } else if (character === "\\") {
      if (at === line.length - 1)
        return quote === undefined && ends.length === 0 ? continued : lost;
      at += 1;
    } else if (character === "`" || (quote === '"' && line.startsWith("$(", at))) {
      return lost;
    } else if (quote === '"') {
      if (character === '"') quote = undefined;
      else if (line.startsWith("${", at) && !/^\$\{\w+\}/.test(line.slice(at))) return lost;
    } else if (character === "'" || character === '"') {
      if (line[at - 1] === "$") return lost;
      quote = character;
    } else if (character === "#" && (at === 0 || /[\s;&|()]/.test(line[at - 1] ?? ""))) {
      break;
    } else if (line.startsWith("<<", at)) {
      document.lastIndex = at;
      const match = document.exec(line);
      if (match === null) return lost;
      const [whole, dash, single, double, word] = match;
      ends.push({ end: single ?? double ?? word ?? "", isIndented: dash === "-" });
      at += whole.length - 1;
    }
  }
  if (quote !== undefined) return ends.length === 0 ? { kind: "quoted", quote } : lost;
  return ends.length === 0 ? atCommand : { kind: "document", ends };
}

const continued: ShellState = { kind: "continued" };
