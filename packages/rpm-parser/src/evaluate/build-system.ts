import { parseSpec } from "../syntax/parse-spec.ts";
import type { SpecTree } from "../syntax/spec-tree.ts";
import { buildScriptNames, type SpecState } from "./spec-state.ts";

/** Sections a build system has to supply (rpm's `docs/manual/buildsystem.md`). */
const requiredSections = new Set(["build", "install"]);

/** Whether macros define the named build system; reports what is missing. */
export function checkBuildSystem(state: SpecState, name: string): boolean {
  let isKnown = false;
  let missing: string | undefined;
  for (const section of buildScriptNames) {
    const macro = `buildsystem_${name}_${section}`;
    if (state.expander.describe(macro).isParametric) isKnown = true;
    else if (requiredSections.has(section)) missing ??= macro;
  }
  if (!isKnown) {
    state.report("error", "buildsystem-unknown", `Unknown buildsystem: ${name}`);
  } else if (missing !== undefined) {
    const message = `Required parametric macro %${missing} not defined for buildsystem ${name}`;
    state.report("error", "buildsystem-incomplete", message);
  }
  return isKnown && missing === undefined;
}

/** `BuildOption(conf): ...`; without a section it is `conf`'s. */
export function addBuildOption(state: SpecState, section: string, option: string): boolean {
  const name = section === "" ? "conf" : section;
  if (!(buildScriptNames as readonly string[]).includes(name)) {
    state.report("error", "buildoption-section", `BuildOption of an unknown section: ${name}`);
    return false;
  }
  state.buildOptions.set(name, [...(state.buildOptions.get(name) ?? []), option]);
  return true;
}

/** The sections that the build system writes because the spec does not; undefined without one. */
export function buildSystemSections(state: SpecState): SpecTree | undefined {
  const name = state.expand("%{?buildsystem}");
  if (name === "") return undefined;
  const parts: string[] = [];
  for (const section of buildScriptNames) {
    if (state.buildScripts.has(section)) continue;
    const macro = [`buildsystem_${name}_${section}`, `buildsystem_default_${section}`].find(
      (one) => state.expander.describe(one).isParametric,
    );
    if (macro === undefined) continue;
    const options = state.buildOptions.get(section);
    const words = options === undefined ? "" : ["--", ...options].join(" ");
    parts.push(`%${section}\n%${macro} ${words}\n`);
  }
  return parseSpec(parts.join(""), `buildsystem ${name}`);
}
