import { DraftPackage } from "./draft-package.ts";
import { checkName } from "./package-name.ts";
import { handleTag, parseTagLine } from "./preamble-tag.ts";
import { cleanPath } from "./sources.ts";
import type { SpecState } from "./spec-state.ts";

/** What reading a preamble came to. */
export type PreambleResult =
  | { readonly kind: "section"; readonly header: string | undefined }
  /** BuildArch in the main preamble: the spec has to be read again for that architecture. */
  | { readonly kind: "build-arch" };

const style = { trims: true, dropsComments: true };

/** Reads the main preamble, or a `%package` section (rpm's `build/parsePreamble.c`). */
export function readPreamble(state: SpecState, header: string | undefined): PreambleResult {
  const draft = header === undefined ? mainPackage(state) : newPackage(state, header);
  const isOld = state.expander.host.dialect === "4.18";
  for (;;) {
    const line = state.lines.next(style);
    if (line === undefined || state.sectionOf(line) !== undefined) {
      finishPreamble(state, draft);
      return { kind: "section", header: line };
    }
    if (/^[ \t\n\v\f\r]*$/.test(line)) continue;
    const tag = parseTagLine(isOld ? line : line.trimStart());
    if (tag === undefined) {
      state.report("error", "tag-unknown", `Unknown tag: ${line.slice(0, 200)}`);
      continue;
    }
    handleTag(state, draft, tag, line);
    if (draft.isMain && state.buildArchs !== undefined && !state.isRecursing) {
      return { kind: "build-arch" };
    }
  }
}

function mainPackage(state: SpecState): DraftPackage {
  return state.addPackage(new DraftPackage("", state.lines.place, true));
}

function newPackage(state: SpecState, header: string): DraftPackage {
  const [, ...words] = header.split(/[ \t\n]+/).filter((word) => word !== "");
  const isFullName = words[0] === "-n";
  const name = (isFullName ? words[1] : words[0]) ?? "";
  if (name === "" || words.length !== (isFullName ? 2 : 1)) {
    state.report("error", "package-malformed", `Bad package specification: ${header}`);
  }
  checkName(state, name, header, isFullName);
  const fullName = isFullName ? name : `${state.main.name}-${name}`;
  if (state.packageNamed(fullName) !== undefined) {
    state.report("error", "package-twice", `package ${fullName} already exists`);
  }
  const draft = new DraftPackage(fullName, state.lines.place, false);
  draft.tags.set("name", fullName);
  return state.addPackage(draft);
}

/** Tags of the main package that macros can supply. */
const optionalTags = [
  "vendor",
  "packager",
  "distribution",
  "disturl",
  "disttag",
  "bugurl",
  "translationurl",
  "upstreamreleases",
  "modularitylabel",
];

/** Where the package is built: known once its name and version are. */
function defineBuildFolders(state: SpecState): void {
  if (state.expander.host.dialect === "4.18") {
    state.defineMacro("buildroot", cleanPath(state.expand("%{?buildroot}")));
    return;
  }
  // Tilde and caret mean something else in paths.
  const folder = state.expand("%{NAME}-%{VERSION}-build").replace(/[~^]/g, "_");
  const build = `${state.expand("%{_top_builddir}")}/${folder}`;
  const root = cleanPath(`${build}/BUILDROOT`);
  state.defineMacro("_builddir", build, true);
  state.defineMacro("builddir", build, true);
  state.defineMacro("specpartsdir", cleanPath(`${build}/SPECPARTS`), true);
  state.defineMacro("buildroot", root, true);
  state.expander.scope.push({ name: "_buildrootdir", body: "%{dirname:%{buildroot}}", level: 0 });
}

const requiredTags = ["name", "version", "release", "summary", "license"];

function finishPreamble(state: SpecState, draft: DraftPackage): void {
  if (draft.isMain) {
    defineBuildFolders(state);
    for (const tag of optionalTags) {
      if (draft.tags.has(tag)) continue;
      const value = state.expand(`%{${tag}}`);
      if (value !== "" && !value.startsWith("%")) draft.tags.set(tag, value);
    }
    if (!draft.tags.has("group")) draft.tags.set("group", "Unspecified");
  } else draft.inherit(state.main);
  for (const tag of requiredTags) {
    if (draft.tags.has(tag)) continue;
    const label = tag.charAt(0).toUpperCase() + tag.slice(1);
    const name = draft.isMain ? "(main package)" : draft.name;
    const message = `${label} field must be present in package: ${name}`;
    state.report("error", "tag-missing", message, draft.place);
  }
}
