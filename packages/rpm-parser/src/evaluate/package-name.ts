import type { SpecState } from "./spec-state.ts";

const illegalInName = /[^A-Za-z0-9._+%{}-]/u;

/** Names are of letters, digits and `-._+`, and begin with a letter, digit or underscore. */
export function checkName(
  state: SpecState,
  name: string,
  line: string,
  checksFirst: boolean,
): void {
  const illegal = illegalInName.exec(name)?.[0];
  if (illegal !== undefined || (checksFirst && !/^[A-Za-z0-9_%{]/.test(name))) {
    const character = illegal ?? name.charAt(0);
    state.report("error", "name-character", `Illegal char '${character}' in: ${line}`);
  }
  if (name.includes("..")) {
    state.report("error", "name-character", `Illegal sequence ".." in: ${line}`);
  }
}
