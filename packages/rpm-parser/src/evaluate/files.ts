import type { Place } from "@cleanroom/core";
import type { SpecFileEntry } from "../model/spec-package.ts";
import { parseHeaderOptions, splitQuotedWords } from "./header-options.ts";
import { cleanPath } from "./sources.ts";
import type { SpecState } from "./spec-state.ts";

const plainDirectives = new Set([
  "dir",
  "doc",
  "docdir",
  "license",
  "ghost",
  "exclude",
  "missingok",
  "artifact",
  "readme",
  "pubkey",
]);
const callPattern = /^%(attr|defattr|config|verify|defverify|lang|caps|dev)\s*(?:\(([^)]*)\))?/;

interface FileAttributes {
  readonly mode?: string;
  readonly user?: string;
  readonly group?: string;
  readonly directoryMode?: string;
}

/** Reads a `%files` section (rpm's `build/parseFiles.c`, and the line forms of `build/files.c`). */
export function readFiles(state: SpecState, header: string): string | undefined {
  const { options, words, error } = parseHeaderOptions(header, "nf");
  if (error !== undefined) state.report("error", "section-options", `${error}: ${header.trim()}`);
  const name = options.get("n")?.at(-1) ?? words[1];
  if (words.length > (options.has("n") ? 1 : 2)) {
    state.report("error", "section-options", `Too many names: ${header.trim()}`);
  }
  const draft = state.findPackage(name, options.has("n"));
  if (draft?.files !== undefined) {
    const message = `multiple %files for package '${draft.name}'`;
    state.report("warning", "files-twice", message);
  }
  // `%license` is a directive here, whatever macro of that name the License tag defined.
  state.defineMacro("license", "%license", true);
  const entries: SpecFileEntry[] = [];
  let defaults: FileAttributes = {};
  const next = state.readSection({ dropsComments: true }, (line) => {
    const text = line.trim();
    if (text === "") return;
    const found = readFileLine(text, defaults, state.lines.place);
    defaults = found.defaults;
    entries.push(...found.entries);
  });
  state.expander.scope.pop("license");
  if (draft !== undefined) {
    draft.files = entries;
    const lists = (options.get("f") ?? []).map((file) => cleanPath(state.expand(file)));
    draft.fileLists.push(...lists);
  }
  return next;
}

/** One line of a file list: directives, then paths. */
function readFileLine(
  line: string,
  defaults: FileAttributes,
  place: Place,
): { entries: readonly SpecFileEntry[]; defaults: FileAttributes } {
  let rest = line;
  let attributes = defaults;
  const directives: string[] = [];
  const configFlags: string[] = [];
  const languages: string[] = [];
  let capabilities: string | undefined;
  for (;;) {
    const call = callPattern.exec(rest);
    const word = /^%([a-z]+)(?=\s|$)/.exec(rest);
    if (call !== null) {
      const [whole, directive = "", argument = ""] = call;
      rest = rest.slice(whole.length).trimStart();
      const values = argument.split(/[\s,]+/).filter((value) => value !== "");
      if (directive === "attr") attributes = { ...attributes, ...readAttributes(values) };
      else if (directive === "defattr") return { entries: [], defaults: readAttributes(values) };
      else if (directive === "config") configFlags.push(...values);
      else if (directive === "lang") languages.push(...values);
      else if (directive === "caps") capabilities = argument.trim();
      if (directive === "config") directives.push("config");
    } else if (word !== null && plainDirectives.has(word[1] ?? "")) {
      directives.push(word[1] ?? "");
      rest = rest.slice(word[0].length).trimStart();
    } else break;
  }
  const paths = splitQuotedWords(rest) ?? rest.split(/\s+/);
  const entries = paths.map((path) => ({
    path,
    directives,
    configFlags,
    ...attributes,
    ...(capabilities === undefined ? {} : { capabilities }),
    languages,
    place,
  }));
  return { entries, defaults };
}

/** `(mode, user, group[, directory mode])`; `-` leaves a value as it is. */
function readAttributes(values: readonly string[]): FileAttributes {
  const [mode, user, group, directoryMode] = values.map((value) =>
    value === "-" ? undefined : value,
  );
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    ...(directoryMode === undefined ? {} : { directoryMode }),
  };
}
