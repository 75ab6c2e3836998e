import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { LanguageRule, NameRule } from "../profile/rule.ts";
import { note } from "./build-conditions.ts";
import { type FileEntry, fileEntries } from "./file-entries.ts";
import { installEnd } from "./install-end.ts";
import type { SpecView } from "./spec-view.ts";

/** Translations that are to be found, for one package. */
interface Found {
  readonly packageName: string;
  /** As `%find_lang` takes it; its list is `NAME.lang`. */
  readonly name: string;
  readonly options: string;
  readonly rule: LanguageRule;
}

/**
 * Edits that have `%find_lang` list translations, each marked with its language, in place of plain
 * entries of `%files`. A spec that calls it already stays as it is.
 */
export function languageEdits(
  view: SpecView,
  { languages }: EffectiveRules,
  dropped: ReadonlyMap<string, NameRule>,
): TextEdit[] {
  const rule = languages.at(-1);
  const install = view.tree.sections.find(({ name }) => name === "install");
  if (rule === undefined || install?.header === undefined) return [];
  if (/%\{?find_lang\b/.test(view.text)) return languages.map((one) => note({ start: 0 }, one));
  const entries = fileEntries(view).filter(
    ({ glob, isLeft, hasLanguage, packageName }) =>
      glob.includes("locale") && !isLeft && !hasLanguage && !dropped.has(packageName),
  );
  const expanded = view.expand(entries.map(({ path }) => path));
  const plain = entries.flatMap((entry) => {
    const name = translationsName(expanded.get(entry.path) ?? entry.path, entry);
    return name === undefined ? [] : [{ entry, name }];
  });
  const found = new Map<string, Found>();
  for (const { entry, name } of plain) {
    const one: Found = {
      packageName: entry.packageName,
      name: name === "*" ? "%{name}" : name,
      options: name === "*" ? " --all-name" : "",
      rule,
    };
    found.set(`${one.packageName} ${one.name}`, one);
  }
  const { domain } = rule;
  if (domain !== undefined && ![...found.values()].some(({ name }) => name === domain)) {
    const packageName = view.evaluation.package.name;
    found.set(`${packageName} ${domain}`, { packageName, name: domain, options: "", rule });
  }
  if (found.size === 0) return [];
  return [
    ...plain.map(({ entry }): TextEdit => ({
      ...entry.span,
      text: "",
      rules: [rule],
      what: `drop ${entry.path} from the files of ${entry.packageName}, for %find_lang has it`,
    })),
    ...listEdits(view, [...found.values()]),
    commandEdit(view, installEnd(view, install), [...found.values()], rule),
  ];
}

/** The name of the translations that a path lists, `*` for all; undefined when it lists none. */
function translationsName(path: string, { glob }: FileEntry): string | undefined {
  const match = /^\/usr\/share\/locale(?:\/(.*))?$/.exec(path);
  if (match === null) return undefined;
  const below = match[1] ?? "";
  const file = /^[^/]+\/LC_MESSAGES\/([^/]+)$/.exec(below)?.[1];
  if (file === undefined) return /^\*?\*?\/?$/.test(below) ? "*" : undefined;
  const written = glob.slice(glob.lastIndexOf("/") + 1);
  if (file === "*" || file === "*.mo") return "*";
  return /^[^*?[\]]+\.mo$/.test(file) ? written.replace(/\.mo$/, "") : undefined;
}

function listEdits(view: SpecView, found: readonly Found[]): TextEdit[] {
  return [...Map.groupBy(found, ({ packageName }) => packageName)].flatMap(
    ([packageName, all]): TextEdit[] => {
      const sections = view.packageSections.filter(
        (one) => one.section.name === "files" && one.packageName === packageName,
      );
      return sections.slice(0, 1).flatMap(({ header }): TextEdit[] => {
        const { content, span } = header;
        if (content.kind !== "section") return [];
        const raw = view.text.slice(span.start, span.end);
        const at = span.start + raw.trimEnd().length;
        const lists = all.map(({ name }) => ` -f ${name}.lang`).join("");
        const rules = all.map(({ rule }) => rule).slice(0, 1);
        return [{ start: at, end: at, text: lists, rules, what: `add${lists} to ${packageName}` }];
      });
    },
  );
}

function commandEdit(
  view: SpecView,
  at: number,
  found: readonly Found[],
  rule: LanguageRule,
): TextEdit {
  const commands = [
    ...new Set(found.map(({ name, options }) => `%find_lang ${name}${options}\n`)),
  ].join("");
  const lineEnd = view.text.slice(0, at).endsWith("\n") ? "" : "\n";
  const text = `${lineEnd}${commands}`;
  return { start: at, end: at, text, rules: [rule], what: "mark translations with languages" };
}
