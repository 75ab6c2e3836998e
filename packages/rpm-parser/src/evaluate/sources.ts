import type { SpecSource } from "../model/spec-package.ts";
import type { SpecState } from "./spec-state.ts";

/**
 * Adds a source or patch, numbered after the last one unless it has a number of its own, and defines
 * `%SOURCE0`, `%SOURCEURL0` and their like.
 *
 * @param suffix what stands between `Source` and the colon.
 */
export function addSource(
  state: SpecState,
  isPatch: boolean,
  suffix: string,
  text: string,
  line: string,
): boolean {
  const list = isPatch ? state.patches : state.sources;
  const word = isPatch ? "patch" : "source";
  const written = suffix.split(/[ \t]/)[0] ?? "";
  if (!/^[0-9]*$/.test(written)) {
    state.report("error", "source-number", `Bad ${word} number: ${line}`);
    return false;
  }
  const highest = list.reduce((most, one) => Math.max(most, one.number), -1);
  const number = written === "" ? highest + 1 : Number(written);
  if (list.some((one) => one.number === number)) {
    state.report("error", "source-twice", `${word} ${number} defined multiple times`);
    return false;
  }
  const source: SpecSource = {
    number,
    text,
    fileName: fileNameOf(text),
    url: /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : undefined,
    isExcluded: false,
    place: state.lines.place,
  };
  list.push(source);
  const name = isPatch ? "PATCH" : "SOURCE";
  const path = sourcePath(state, source.fileName);
  state.expander.lua.append(isPatch ? "patches" : "sources", path);
  state.expander.lua.append(isPatch ? "patch_nums" : "source_nums", number);
  state.defineMacro(`${name}${number}`, path);
  state.defineMacro(`${name}URL${number}`, text);
  return true;
}

/** What follows the last slash; of a URL with a query, what follows its last `=`. */
function fileNameOf(text: string): string {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return text;
  const equals = text.lastIndexOf("=");
  return text.slice((equals > slash ? equals : slash) + 1);
}

function sourcePath(state: SpecState, fileName: string): string {
  return cleanPath(state.expand(`%{_sourcedir}/${fileName}`));
}

/** As rpm writes paths: no doubled slashes, none at the end. */
export function cleanPath(path: string): string {
  const clean = path.replace(/\/(?:\.?\/)+/g, "/");
  return clean.length > 1 ? clean.replace(/\/$/, "") : clean;
}

/** The file of a source or patch by its number. */
export function findSource(
  state: SpecState,
  isPatch: boolean,
  number: number,
): { readonly path: string; readonly fileName: string } | undefined {
  const list = isPatch ? state.patches : state.sources;
  const found = list.find((one) => one.number === number);
  if (found === undefined) return undefined;
  return { path: sourcePath(state, found.fileName), fileName: found.fileName };
}

/** `NoSource: 0, 1` and `NoPatch`. */
export function excludeSources(state: SpecState, isPatch: boolean, value: string): void {
  const list = isPatch ? state.patches : state.sources;
  for (const word of value.split(/[\s,]+/)) {
    if (word === "") continue;
    const index = list.findIndex((one) => String(one.number) === word);
    const found = list[index];
    if (found === undefined) {
      const tag = isPatch ? "nopatch" : "nosource";
      state.report("error", "source-number", `Bad ${tag} number: ${word}`);
    } else list[index] = { ...found, isExcluded: true };
  }
}
