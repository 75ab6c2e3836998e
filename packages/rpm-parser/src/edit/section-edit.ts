import { type SpecLine, spanText, type SpecTree } from "../syntax/spec-tree.ts";
import type { TextEdit } from "./text-edit.ts";

/** The definitions of a macro, wherever they stand. */
function definitions(tree: SpecTree, name: string): readonly SpecLine[] {
  return tree.lines.filter(({ content }) => content.kind === "definition" && content.name === name);
}

/** Sets the body of every `%define` and `%global` of a macro. */
export function setMacro(tree: SpecTree, name: string, body: string): readonly TextEdit[] {
  return definitions(tree, name).flatMap(({ content }) =>
    content.kind === "definition" && (content.keyword === "define" || content.keyword === "global")
      ? [{ span: content.bodySpan, text: body }]
      : [],
  );
}

/**
 * Sets the default of a build condition: `%bcond_with` becomes `%bcond_without` and back, `%bcond`
 * gets 1 or 0. A condition that already has the default stays as it is.
 */
export function setBuildCondition(
  tree: SpecTree,
  name: string,
  isOn: boolean,
): readonly TextEdit[] {
  return tree.lines.flatMap(({ content, span }): readonly TextEdit[] => {
    if (content.kind !== "definition" || !content.keyword.startsWith("bcond")) return [];
    // The name of a condition may hold dashes, which the line's own parts do not.
    const end = content.bodySpan.end;
    const [word = "", ...value] = tree.source.text
      .slice(content.nameSpan.start, end)
      .replace(/\}$/, "")
      .split(/\s+/);
    if (word !== name) return [];
    if (content.keyword === "bcond") {
      const written = value.join(" ");
      const wanted = isOn ? "1" : "0";
      if (written === wanted) return [];
      const start = content.nameSpan.start + word.length;
      return [
        {
          span: { start, end: start + tree.source.text.slice(start, end).trimEnd().length },
          text: ` ${wanted}`,
        },
      ];
    }
    const keyword = isOn ? "bcond_without" : "bcond_with";
    if (content.keyword === keyword) return [];
    const start = tree.source.text.indexOf(content.keyword, span.start);
    return [{ span: { start, end: start + content.keyword.length }, text: keyword }];
  });
}

/**
 * Removes a subpackage with all its sections: tags, description, files, scriptlets, triggers.
 *
 * @param name as its headers write it: `devel`, or `-n other`.
 */
export function removePackage(tree: SpecTree, name: string): readonly TextEdit[] {
  const words = name.split(/\s+/).join(" ");
  return tree.sections.flatMap((section) => {
    const { header } = section;
    if (header?.content.kind !== "section") return [];
    const argument = spanText(tree, header.content.argumentSpan).replace(/\s--\s[\s\S]*$/, "");
    if (!sectionPackages.has(section.name) || packageOf(argument) !== words) return [];
    // Conditions that begin or end in the section belong to what is around it.
    return tree.lines
      .slice(header.index, section.endLine)
      .filter(({ content }) => content.kind !== "condition" && content.kind !== "definition")
      .map(({ span }) => ({ span, text: "" }));
  });
}

const sectionPackages = new Set([
  ..."package description files pre post preun postun pretrans posttrans".split(" "),
  ..."preuntrans postuntrans verifyscript triggerin triggerun triggerpostun triggerprein".split(
    " ",
  ),
  ..."filetriggerin filetriggerun filetriggerpostun transfiletriggerin".split(" "),
  ..."transfiletriggerun transfiletriggerpostun trigger filetrigger transfiletrigger".split(" "),
]);

/** The package a header's words name: `-n name`, or the word that is no option's value. */
function packageOf(argument: string): string {
  const words = argument.split(/\s+/);
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (word === "-n") return `-n ${words[index + 1] ?? ""}`;
    if (/^-[fplP]$/.test(word)) index += 1;
    else if (!word.startsWith("-")) return word;
  }
  return "";
}

/** Puts an entry at the top of `%changelog`; a spec without one gets it. */
export function addChangelogEntry(
  tree: SpecTree,
  heading: string,
  text: string,
): readonly TextEdit[] {
  const section = tree.sections.find(({ name }) => name === "changelog");
  if (section?.header === undefined) {
    const end = tree.source.text.length;
    const gap = tree.source.text.endsWith("\n") ? "" : "\n";
    const entry = `${gap}\n%changelog\n* ${heading}\n${text}\n`;
    return [{ span: { start: end, end }, text: entry }];
  }
  const start = section.header.span.end;
  const rest = section.firstLine < section.endLine ? "\n" : "";
  return [{ span: { start, end: start }, text: `* ${heading}\n${text}\n${rest}` }];
}

/**
 * Sets an option in the calls of a build macro (`%meson`, `%cmake`, `%configure`): replaces
 * `-Dname=...` or `--name=...` where it stands, else adds it right after the macro.
 *
 * @param option the whole option: `-Dx11_backend=false`, `--without-x`.
 */
export function setBuildOption(tree: SpecTree, macro: string, option: string): readonly TextEdit[] {
  const key = option.replace(/=.*$/s, "");
  const negation = /^--(?:with|without|enable|disable)-(.*)$/.exec(key)?.[1];
  const call = new RegExp(`%(?:\\{${macro}(?=[ }])|${macro}(?![A-Za-z0-9_]))`, "g");
  return tree.lines.flatMap((line): readonly TextEdit[] => {
    if (line.content.kind !== "text" && line.content.kind !== "definition") return [];
    const text = spanText(tree, line.span);
    const found = [...text.matchAll(call)];
    if (found.length === 0) return [];
    const escaped = (negation ?? key).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern =
      negation === undefined
        ? new RegExp(`(?<=\\s)${escaped}(?:=(?:"[^"]*"|'[^']*'|[^\\s}])*)?(?=[\\s}]|$)`)
        : new RegExp(`(?<=\\s)--(?:with|without|enable|disable)-${escaped}(?:=\\S*)?(?=[\\s}]|$)`);
    const existing = pattern.exec(text);
    if (existing !== null) {
      const start = line.span.start + existing.index;
      return [{ span: { start, end: start + existing[0].length }, text: option }];
    }
    return found.map((one) => {
      const at = line.span.start + one.index + one[0].length;
      return { span: { start: at, end: at }, text: ` ${option}` };
    });
  });
}
