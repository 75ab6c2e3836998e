import { buildSystemSections } from "./build-system.ts";
import { readChangelog } from "./changelog.ts";
import { readFiles } from "./files.ts";
import { parseHeaderOptions } from "./header-options.ts";
import { readPreamble } from "./preamble.ts";
import { definePrepMacros, readPrep } from "./prep.ts";
import { isScriptlet, readScriptlet } from "./scriptlet.ts";
import { addSource } from "./sources.ts";
import { buildScriptNames, type SpecState } from "./spec-state.ts";

/** Whether the spec was read to its end, or has to be read again for its BuildArch. */
export type ReadResult = "done" | "build-arch";

/** Reads a spec section by section (rpm's `build/parseSpec.c`). */
export function readSections(state: SpecState): ReadResult {
  const first = readPreamble(state, undefined);
  if (first.kind === "build-arch") return "build-arch";
  readFrom(state, first.header);
  if (state.expander.host.dialect !== "4.18") {
    const generated = buildSystemSections(state);
    if (generated !== undefined) {
      state.lines.continueWith(generated);
      readFrom(state, state.lines.next({ trims: true, dropsComments: true }));
    }
    applyScriptParts(state);
  }
  checkDescriptions(state);
  return "done";
}

function readFrom(state: SpecState, first: string | undefined): void {
  let header = first;
  let previous = "preamble";
  while (header !== undefined) {
    const section: string = state.sectionOf(header) ?? "";
    header = readSection(state, section, header, previous);
    previous = section;
  }
}

/** Puts what `-a` and `-p` sections say after and before the scripts. */
function applyScriptParts(state: SpecState): void {
  for (const { section, isAppended, text } of state.scriptParts) {
    const script = state.buildScripts.get(section) ?? "";
    state.buildScripts.set(section, isAppended ? script + text : text + script);
  }
}

function readSection(
  state: SpecState,
  section: string,
  header: string,
  previous: string,
): string | undefined {
  if (section === "package") {
    const result = readPreamble(state, header);
    return result.kind === "section" ? result.header : undefined;
  }
  const isOld = state.expander.host.dialect === "4.18";
  if (section === "prep") return isOld ? readPrep(state) : readNewPrep(state, header);
  if (section === "description") return readDescription(state, header);
  if (section === "files") return readFiles(state, header);
  if (section === "changelog") return readChangelog(state);
  if (section === "sourcelist" || section === "patchlist") {
    return readList(state, section === "patchlist");
  }
  if (isScriptlet(section)) return readScriptlet(state, section, header);
  if ((buildScriptNames as readonly string[]).includes(section)) {
    return readBuildScript(state, section, header);
  }
  if (section === "end") return readEnd(state, header, previous);
  // %sepolicy: nothing of it is looked at.
  return state.readSection({}, () => undefined);
}

function readNewPrep(state: SpecState, header: string): string | undefined {
  const removeMacros = definePrepMacros(state);
  const next = readBuildScript(state, "prep", header);
  removeMacros();
  return next;
}

function readBuildScript(state: SpecState, section: string, header: string): string | undefined {
  const mode = partMode(state, header);
  if (mode === undefined && state.buildScripts.has(section)) {
    state.report("error", "section-twice", `second %${section}`);
  }
  if (section === "generate_buildrequires") {
    const message =
      "more BuildRequires become known during the build; they are not known statically";
    state.report("note", "build-requires-dynamic", message);
  }
  const lines: string[] = [];
  const next = state.readSection({}, (line) => {
    lines.push(line);
    if (section === "prep" && /^%patch[0-9]/.test(line)) {
      const message = `%patchN is obsolete, use %patch N (or %patch -P N): ${line.trim()}`;
      state.report("error", "prep-patch", message);
    }
  });
  if (mode === undefined) state.buildScripts.set(section, lines.join(""));
  else state.scriptParts.push({ section, isAppended: mode === "a", text: lines.join("") });
  return next;
}

/** `-a` or `-p` of a build script's header, which rpm 4.20 knows. */
function partMode(state: SpecState, header: string): "a" | "p" | undefined {
  if (state.expander.host.dialect === "4.18") return undefined;
  const { options, error } = parseHeaderOptions(header, "", "ap");
  if (error !== undefined) state.report("error", "section-options", `${error}: ${header.trim()}`);
  if (options.has("a") && options.has("p")) {
    const message = `append and prepend specified: ${header.trim()}`;
    state.report("error", "section-options", message);
  }
  if (options.has("a")) return "a";
  return options.has("p") ? "p" : undefined;
}

function readList(state: SpecState, isPatch: boolean): string | undefined {
  return state.readSection({ trims: true, dropsComments: true }, (line) => {
    if (line !== "") addSource(state, isPatch, "", line, line);
  });
}

function readDescription(state: SpecState, header: string): string | undefined {
  const { options, words, error } = parseHeaderOptions(header, "nl");
  if (error !== undefined) state.report("error", "section-options", `${error}: ${header.trim()}`);
  const name = options.get("n")?.at(-1) ?? words[1];
  if (words.length > (options.has("n") ? 1 : 2)) {
    state.report("error", "section-options", `Too many names: ${header.trim()}`);
  }
  const draft = state.findPackage(name, options.has("n"));
  const language = options.get("l")?.at(-1);
  const tag =
    language === undefined || language === "C" ? "description" : `description:${language}`;
  const lines: string[] = [];
  const next = state.readSection({ trims: true, dropsComments: true }, (line) => lines.push(line));
  if (draft === undefined) return next;
  if (draft.tags.has(tag)) {
    state.report("warning", "section-twice", `second %description of ${draft.name}`);
  }
  draft.tags.set(tag, lines.join("\n").replace(/[ \t\n\v\f\r]+$/, ""));
  return next;
}

/** `%end` closes a section; only blank lines may follow, up to the next one. */
function readEnd(state: SpecState, header: string, previous: string): string | undefined {
  if (header.trim() !== "%end") {
    state.report("error", "end-arguments", `%end doesn't take any arguments: ${header.trim()}`);
  }
  if (previous === "end") {
    state.report("error", "end-unexpected", "%end not expected here, no section to close");
  }
  return state.readSection({ trims: true, dropsComments: true }, (line) => {
    if (line.trim() !== "") {
      state.report("error", "end-text", `line doesn't belong to any section: ${line}`);
    }
  });
}

function checkDescriptions(state: SpecState): void {
  for (const draft of state.packages) {
    const has = [...draft.tags.keys()].some((tag) => tag.startsWith("description"));
    if (has) continue;
    const message = `Package has no %description: ${draft.name}`;
    state.report("error", "description-missing", message, draft.place);
  }
}
