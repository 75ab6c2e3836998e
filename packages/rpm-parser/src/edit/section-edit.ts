import { type SpecLine, type SpecSection, spanText, type SpecTree } from "../syntax/spec-tree.ts";
import { lineEndOf, type TextEdit } from "./text-edit.ts";

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
    if (!belongsTo(tree, section, words)) return [];
    // Conditions that begin or end in the section belong to what is around it.
    return tree.lines
      .slice(header.index, section.endLine)
      .filter(({ content }) => content.kind !== "condition" && content.kind !== "definition")
      .map(({ span }) => ({ span, text: "" }));
  });
}

/**
 * Whether a section is a package's, as `%files -f list devel` is `devel`'s.
 *
 * @param name as the header writes it, `devel` or `-n other`; "" for the main package.
 */
export function belongsTo(
  tree: SpecTree,
  { name: kind, header }: SpecSection,
  name: string,
): boolean {
  if (header?.content.kind !== "section" || !sectionPackages.has(kind)) return false;
  const argument = spanText(tree, header.content.argumentSpan).replace(/\s--\s[\s\S]*$/, "");
  return packageOf(argument) === name;
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
    return appended(tree, `%changelog\n* ${heading}\n${text}\n`);
  }
  const start = section.header.span.end;
  const rest = section.firstLine < section.endLine ? "\n" : "";
  const entry = `* ${heading}\n${text}\n${rest}`;
  return [{ span: { start, end: start }, text: withLineEnds(tree, entry) }];
}

/**
 * Sets what a section says: `setSection(tree, "check", "%meson_test\n")`. A spec without the section
 * gets it at its end, before the changelog.
 *
 * @param packageName for sections of a package, as their headers write it.
 */
export function setSection(
  tree: SpecTree,
  kind: string,
  text: string,
  packageName = "",
): readonly TextEdit[] {
  const found = sectionsOf(tree, kind, packageName);
  const body = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  if (found.length === 0) {
    const header = `%${kind}${packageName === "" ? "" : ` ${packageName}`}`;
    return appended(tree, `${header}\n${body}`);
  }
  return found.flatMap((section) => {
    const start = section.header?.span.end ?? 0;
    // Blank lines before the next header are no part of what the section says.
    const old = tree.source.text.slice(start, section.span.end);
    const gap = /(?:\r?\n)*$/.exec(old.replace(/\r?\n$/, ""))?.[0] ?? "";
    const end = section.span.end - gap.length;
    return [{ span: { start, end: Math.max(start, end) }, text: withLineEnds(tree, body) }];
  });
}

/** Removes a section with its header; conditions around its lines stay. */
export function removeSection(tree: SpecTree, kind: string, packageName = ""): readonly TextEdit[] {
  return sectionsOf(tree, kind, packageName).flatMap(({ header, endLine }) =>
    tree.lines
      .slice(header?.index ?? 0, endLine)
      .filter(({ content }) => content.kind !== "condition" && content.kind !== "definition")
      .map(({ span }) => ({ span, text: "" })),
  );
}

function sectionsOf(tree: SpecTree, kind: string, packageName: string): readonly SpecSection[] {
  return tree.sections.filter(
    (section) =>
      section.name === kind &&
      section.header !== undefined &&
      (belongsTo(tree, section, packageName) || !sectionPackages.has(kind)),
  );
}

/** What a new subpackage needs to say. */
export interface NewPackage {
  readonly summary: string;
  readonly description: string;
  /** Other tags, such as `Requires`, each as often as it is listed. */
  readonly tags?: readonly (readonly [tag: string, value: string])[];
  /** Lines of `%files`; without it the package is not built. */
  readonly files?: readonly string[];
}

/**
 * Adds a subpackage: `%package` and `%description` before the first section of the build, `%files`
 * with the others.
 *
 * @param name as its headers write it: `devel`, or `-n other`.
 */
export function addPackage(tree: SpecTree, name: string, made: NewPackage): readonly TextEdit[] {
  const tags = [["Summary", made.summary], ...(made.tags ?? [])] as const;
  const lines = tags.map(([tag, value]) => `${`${tag}:`.padEnd(15)} ${value}\n`).join("");
  const text = `%package ${name}\n${lines}\n%description ${name}\n${made.description}\n\n`;
  const build = tree.sections.find((section) => buildSections.has(section.name));
  const at = build?.header?.span.start ?? tree.source.text.length;
  const head =
    build === undefined
      ? appended(tree, text)
      : [{ span: { start: at, end: at }, text: withLineEnds(tree, text) }];
  if (made.files === undefined) return head;
  return [...head, ...appended(tree, `%files ${name}\n${made.files.join("\n")}\n`)];
}

const buildSections = new Set(
  "prep generate_buildrequires conf build install check clean files changelog".split(" "),
);

/** Puts a section at the end of the spec, before its changelog. */
function appended(tree: SpecTree, text: string): readonly TextEdit[] {
  const changelog = tree.sections.find(({ name }) => name === "changelog");
  if (changelog?.header !== undefined && !text.startsWith("%changelog")) {
    const at = changelog.header.span.start;
    return [{ span: { start: at, end: at }, text: withLineEnds(tree, `${text}\n`) }];
  }
  const end = tree.source.text.length;
  const gap = tree.source.text.endsWith("\n") ? "" : "\n";
  return [{ span: { start: end, end }, text: withLineEnds(tree, `${gap}\n${text}`) }];
}

function withLineEnds(tree: SpecTree, text: string): string {
  const lineEnd = lineEndOf(tree);
  return lineEnd === "\n" ? text : text.replaceAll("\n", lineEnd);
}
