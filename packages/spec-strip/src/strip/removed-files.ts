import { pathMatcher } from "@cleanroom/core";
import { maskMacros } from "../edit/masked-text.ts";
import type { TextEdit } from "../edit/text-edit.ts";
import type { EffectiveRules } from "../profile/effective-rules.ts";
import type { NameRule, Rule } from "../profile/rule.ts";
import { type FileEntry, fileEntries } from "./file-entries.ts";
import { installEnd } from "./install-end.ts";
import type { SpecView } from "./spec-view.ts";

/** A command for the end of `%install`, and who wants it. */
interface Removal {
  readonly command: string;
  readonly rule: Rule;
}

/**
 * Edits that take paths out of `%files`, and what dropped subpackages held out of the build root:
 * rpmbuild fails on files that no package takes.
 */
export function fileEdits(
  view: SpecView,
  rules: EffectiveRules,
  dropped: ReadonlyMap<string, NameRule>,
): TextEdit[] {
  if (rules.files.length === 0 && dropped.size === 0) return [];
  const entries = fileEntries(view);
  const expanded = view.expand([
    ...entries.map(({ path }) => path),
    ...rules.files.map(({ match }) => match),
  ]);
  const removals: Removal[] = [];
  const edits: TextEdit[] = [];
  const kept = new Set<string>();
  const pathOf = ({ path }: FileEntry): string => expanded.get(path) ?? path;
  const filters = rules.files.map((rule) => {
    const glob = expanded.get(rule.match) ?? rule.match;
    // A folder's own entry goes with all that is in it.
    const matches = pathMatcher(glob.endsWith("/**") ? [glob, glob.slice(0, -3)] : [glob]);
    return { rule, glob, matches, isUsed: false };
  });
  for (const entry of entries) {
    if (dropped.has(entry.packageName)) continue;
    const path = pathOf(entry).replace(/\/$/, "");
    const filter = filters.find(({ matches }) => matches(path));
    if (filter === undefined) {
      kept.add(path);
      continue;
    }
    filter.isUsed = true;
    const what = `drop ${entry.path} from the files of ${entry.packageName}`;
    edits.push({ ...entry.span, text: "", rules: [filter.rule], what });
  }
  for (const { rule, glob, isUsed } of filters) {
    if (isUsed || rule.package !== undefined) {
      removals.push({ rule, command: removeGlob(glob) });
    }
  }
  for (const entry of entries) {
    const rule = dropped.get(entry.packageName);
    const path = pathOf(entry).replace(/\/$/, "");
    if (rule === undefined || entry.isLeft || !path.startsWith("/") || kept.has(path)) continue;
    for (const one of expandBraces(entry.glob.replace(/\/$/, ""))) {
      removals.push({ rule, command: `rm -rf %{buildroot}${shellPattern(one)}` });
    }
  }
  for (const { section, packageName, fileLists } of view.packageSections) {
    const rule = dropped.get(packageName);
    if (rule === undefined || section.name !== "files") continue;
    removals.push(...fileLists.map((list) => ({ rule, command: removeListed(list) })));
  }
  return [...edits, ...installEdits(view, removals)];
}

/** A glob for the shell, to which more characters mean something than to rpm. */
function shellPattern(glob: string): string {
  const { text, unmask } = maskMacros(glob);
  return unmask(text.replaceAll(/[\s'"$&;|<>()`!#]/g, "\\$&"));
}

/** rpm's file lists know `{a,b}`, but not every `/bin/sh` does. */
function expandBraces(path: string): string[] {
  const { text, unmask } = maskMacros(path);
  return alternatives(text).map((one) => unmask(one));
}

function alternatives(path: string): string[] {
  const found = /^(.*?)\{([^{}]*)\}(.*)$/.exec(path);
  if (found === null) return [path];
  const [, before = "", inner = "", after = ""] = found;
  return inner.split(",").flatMap((one) => alternatives(before + one + after));
}

function removeGlob(glob: string): string {
  const folder = glob.endsWith("/**") ? glob.slice(0, -3) : glob;
  if (!folder.includes("**")) return `rm -rf %{buildroot}${shellPattern(folder)}`;
  const pattern = glob.replace(/\*+/g, "*").replaceAll("'", String.raw`'\''`);
  return `find %{buildroot} -path '%{buildroot}${pattern}' -prune -exec rm -rf {} +`;
}

/** Takes away the files, not the folders, that a list such as that of `%find_lang` names. */
function removeListed(list: string): string {
  const file = list.startsWith("/") ? list : `%{_builddir}/%{?buildsubdir}/${list}`;
  return `sed -n 's|^[^/]*/|/|p' ${file} | while IFS= read -r file; do test -d "%{buildroot}$file" || rm -f "%{buildroot}$file"; done`;
}

const marker = "# What no package takes, as a profile wants it:";

function installEdits(view: SpecView, removals: readonly Removal[]): TextEdit[] {
  const section = view.tree.sections.find(({ name }) => name === "install");
  if (section?.header === undefined) return [];
  const lines = view.tree.lines.slice(section.firstLine, section.endLine);
  const present = new Set(lines.map(({ span }) => view.text.slice(span.start, span.end).trim()));
  const missing = new Map(
    removals.filter(({ command }) => !present.has(command)).map((one) => [one.command, one]),
  );
  if (missing.size === 0) return [];
  // Each is on its own, so the order of rules does not show.
  const commands = [...missing.keys()].toSorted();
  const at = installEnd(view, section);
  const heading = present.has(marker) ? "" : `\n${marker}\n`;
  const rules = [...new Set([...missing.values()].map(({ rule }) => rule))];
  return [
    {
      start: at,
      end: at,
      text: `${view.text.slice(0, at).endsWith("\n") ? "" : "\n"}${heading}${commands.join("\n")}\n`,
      rules,
      what: `remove ${commands.length} kinds of files at the end of %install`,
    },
  ];
}
