import { spanText, type SpecTree } from "../syntax/spec-tree.ts";
import type { TextEdit } from "./text-edit.ts";

/**
 * Sets an option in the calls of a build macro (`%meson`, `%cmake`, `%configure`): replaces
 * `-Dname=...` or `--name=...` where it stands, in the call or in a macro of the spec that the call
 * names; else adds it right after the macro.
 *
 * @param option the whole option: `-Dx11_backend=false`, `--without-x`.
 */
export function setBuildOption(tree: SpecTree, macro: string, option: string): readonly TextEdit[] {
  const pattern = optionPattern(option.replace(/=.*$/s, ""));
  const call = new RegExp(`%(?:\\{${macro}(?=[ }])|${macro}(?![A-Za-z0-9_]))`, "g");
  return tree.lines.flatMap((line): readonly TextEdit[] => {
    if (line.content.kind !== "text" && line.content.kind !== "definition") return [];
    const text = spanText(tree, line.span);
    const found = [...text.matchAll(call)];
    if (found.length === 0) return [];
    const existing = replaceAll(text, line.span.start, pattern, option);
    if (existing.length > 0) return existing;
    const held = inMacros(tree, text, pattern, option, new Set([macro]));
    if (held.length > 0) return held;
    return found.map((one) => {
      const at = line.span.start + one.index + one[0].length;
      return { span: { start: at, end: at }, text: ` ${option}` };
    });
  });
}

/** `-Dname=value`, or for `--with-x` also its opposites. */
function optionPattern(key: string): RegExp {
  const negation = /^--(?:with|without|enable|disable)-(.*)$/.exec(key)?.[1];
  const escaped = (negation ?? key).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return negation === undefined
    ? new RegExp(`(?<=[\\s{]|^)${escaped}(?:=(?:"[^"]*"|'[^']*'|[^\\s}])*)?(?=[\\s}]|$)`, "g")
    : new RegExp(
        `(?<=[\\s{]|^)--(?:with|without|enable|disable)-${escaped}(?:=\\S*)?(?=[\\s}]|$)`,
        "g",
      );
}

function replaceAll(
  text: string,
  start: number,
  pattern: RegExp,
  option: string,
): readonly TextEdit[] {
  return [...text.matchAll(pattern)].map((one) => ({
    span: { start: start + one.index, end: start + one.index + one[0].length },
    text: option,
  }));
}

/** The option in the definitions of macros that a text names, or of those that these name. */
function inMacros(
  tree: SpecTree,
  text: string,
  pattern: RegExp,
  option: string,
  seen: Set<string>,
): readonly TextEdit[] {
  const names = [...text.matchAll(/%\{?[?!]*([A-Za-z_]\w*)/g)].map(([, name = ""]) => name);
  return names.flatMap((name) => {
    if (seen.has(name)) return [];
    seen.add(name);
    return tree.lines.flatMap(({ content }): readonly TextEdit[] => {
      if (content.kind !== "definition" || content.name !== name) return [];
      const body = spanText(tree, content.bodySpan);
      const found = replaceAll(body, content.bodySpan.start, pattern, option);
      return found.length > 0 ? found : inMacros(tree, body, pattern, option, seen);
    });
  });
}
