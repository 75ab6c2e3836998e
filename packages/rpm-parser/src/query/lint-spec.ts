import type { Evaluation } from "../evaluate/evaluate-spec.ts";
import type { SpecDiagnostic } from "../macro/host.ts";
import { type SpecLine, spanText, type SpecTree } from "../syntax/spec-tree.ts";

interface LintRule {
  readonly code: string;
  readonly message: string;
  /** Whether a line breaks the rule. */
  readonly finds: (line: SpecLine, text: string, tree: SpecTree) => boolean;
}

/** What is no error to rpm, but seldom meant. The codes are stable. */
const rules: readonly LintRule[] = [
  {
    code: "lint-macro-in-comment",
    message: "a macro in a comment is expanded; write %% to keep it from being",
    finds: ({ content }, text) =>
      content.kind === "comment" && /%[{A-Za-z_(]/.test(text.replaceAll("%%", "")),
  },
  {
    code: "lint-obsolete-patch",
    message: "%patchN is gone from rpm 4.20; write %patch -P N",
    finds: ({ content }, text) => content.kind === "text" && /^%patch[0-9]/.test(text),
  },
  {
    code: "lint-obsolete-tag",
    message: "rpm ignores this tag",
    finds: ({ content }) =>
      content.kind === "tag" && ["buildroot", "icon"].includes(content.name.toLowerCase()),
  },
  {
    code: "lint-shell-in-macro",
    message: "a %(...) runs a command whenever the spec is read",
    finds: ({ content }, text) => content.kind !== "comment" && /(?<!%)%\(/.test(text),
  },
  {
    code: "lint-automatic-release",
    message:
      "%autorelease counts commits, which are not known here: it stands for the first release",
    finds: ({ content }, text) => content.kind === "tag" && /%\{?autorelease\b/.test(text),
  },
  {
    code: "lint-automatic-changelog",
    message: "%autochangelog comes from commits, which are not known here: the changelog is empty",
    finds: ({ content }, text) => content.kind === "text" && /^%\{?autochangelog\b/.test(text),
  },
  {
    code: "lint-trailing-space",
    message: "white space after the value",
    finds: ({ content }, text) =>
      (content.kind === "tag" || content.kind === "section") && /[ \t]+\r?\n?$/.test(text),
  },
  {
    code: "lint-carriage-return",
    message: "the line ends in a carriage return, which becomes part of scripts",
    finds: ({ index }, text) => index === 0 && /\r\n?$/.test(text),
  },
];

/**
 * What to say about a spec: everything evaluating it found, and what is allowed but seldom meant.
 * Sorted by place.
 */
export function lintSpec(tree: SpecTree, evaluation: Evaluation): readonly SpecDiagnostic[] {
  const found: SpecDiagnostic[] = [...evaluation.diagnostics];
  for (const line of tree.lines) {
    const text = spanText(tree, line.span);
    for (const rule of rules) {
      if (!rule.finds(line, text, tree)) continue;
      found.push(warning(tree, line.span.start, rule.code, rule.message));
    }
  }
  found.push(...unusedSources(tree, evaluation));
  return found.toSorted(
    (a, b) =>
      (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0),
  );
}

function warning(tree: SpecTree, at: number, code: string, message: string): SpecDiagnostic {
  return { code, message, severity: "warning", place: tree.source.place(at), chain: [] };
}

/** Patches that `%prep` does not name: with neither `%autosetup` nor `%autopatch`, they do nothing. */
function unusedSources(tree: SpecTree, { package: source }: Evaluation): readonly SpecDiagnostic[] {
  const script = source.buildScripts["prep"];
  if (script === undefined) return [];
  const prep = tree.sections.find(({ name }) => name === "prep");
  const written = prep === undefined ? "" : spanText(tree, prep.span);
  if (/%\{?auto(?:setup|patch)/.test(written)) return [];
  return source.patches
    .filter(({ fileName }) => !script.includes(fileName))
    .map(({ number, fileName, place }) => ({
      code: "lint-unused-patch",
      message: `patch ${number} (${fileName}) is not applied in %prep`,
      severity: "warning",
      place,
      chain: [],
    }));
}
