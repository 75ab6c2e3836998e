import type { Place } from "@cleanroom/core";
import { formatRequirement, type Requirement } from "../capability/capability.ts";
import { parseRequirements } from "../capability/parse.ts";
import { richContextError } from "../capability/rich-context.ts";
import type { DependencyList } from "./draft-package.ts";
import type { SpecState } from "./spec-state.ts";

/** Tags whose dependencies keep packages out, or apply in reverse. */
const negativeTags = new Set(["conflicts", "buildconflicts", "supplements", "enhances"]);

interface DependencyRule {
  /** The tag, for messages. */
  readonly tag: string;
  readonly qualifiers: readonly string[];
  readonly allowsRich: boolean;
}

/**
 * Takes a dependency field into a list (rpm's `build/parseReqs.c`).
 *
 * @returns whether all of it could be read.
 */
export function readDependencies(
  state: SpecState,
  list: DependencyList,
  field: string,
  { tag, qualifiers, allowsRich }: DependencyRule,
): boolean {
  let isGood = true;
  for (const parsed of parseRequirements(field)) {
    if ("error" in parsed) {
      const message = `${parsed.error.message}: ${tag}: ${field.slice(0, 200)}`;
      state.report("error", "dependency-syntax", message);
      return false;
    }
    const { requirement, start, end } = parsed;
    const place = state.lines.placeOf(field.slice(start, end));
    if (requirement.kind === "rich" && !allowsRich) {
      const message = `No rich dependencies allowed for this type: ${tag}`;
      state.report("error", "dependency-rich", message, place);
      return false;
    }
    const isNegative = negativeTags.has(tag);
    const context = richContextError(requirement, isNegative);
    if (context !== undefined) {
      state.report("error", "dependency-rich", `${context}: ${tag}: ${field}`, place);
      return false;
    }
    if (!check(state, requirement, tag, place)) isGood = false;
    list.add(requirement, qualifiers, place);
  }
  return isGood;
}

function check(state: SpecState, requirement: Requirement, tag: string, place: Place): boolean {
  if (requirement.kind === "rich") {
    return requirement.operands.every((one) => check(state, one, tag, place));
  }
  const { name, operator, evr } = requirement.capability;
  const fail = (code: string, message: string): boolean => {
    const text = formatRequirement(requirement);
    state.report("error", code, `${message}: ${tag}: ${text}`, place);
    return false;
  };
  const first = name.charCodeAt(0);
  if (first < 0x80 && !/^[A-Za-z0-9_/]/.test(name)) {
    return fail("dependency-name", "Dependency tokens must begin with alpha-numeric, '_' or '/'");
  }
  if (tag === "provides" && name.startsWith("rpmlib(")) {
    return fail("dependency-rpmlib", "invalid dependency");
  }
  if (tag === "obsoletes") {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.+%{}-]*$/.test(name)) {
      return fail("dependency-obsoletes", "Only package names are allowed in Obsoletes");
    }
    if (evr === undefined || operator?.startsWith(">") === true) {
      const why = evr === undefined ? "unversioned Obsoletes" : "'>' in Obsoletes";
      const message = `It's not recommended to have ${why}: ${name}`;
      state.report("warning", "dependency-obsoletes-range", message, place);
    }
  }
  if (evr === undefined) return true;
  if (name.startsWith("/")) return fail("dependency-path", "Versioned file name not permitted");
  const illegal = /[^A-Za-z0-9._+%{}~^:-]/u.exec(evr)?.[0];
  if (illegal !== undefined) return fail("dependency-version", `Illegal char '${illegal}'`);
  if (evr.includes("..")) return fail("dependency-version", 'Illegal sequence ".."');
  checkForm(state, evr, tag, place);
  return true;
}

/** What rpm only complains about, unless told to stop. */
function checkForm(state: SpecState, evr: string, tag: string, place: Place): void {
  const colon = evr.indexOf(":");
  const why =
    evr.split("-").length > 2
      ? "double separator '-'"
      : evr.split(":").length > 2
        ? "double separator ':'"
        : colon >= 0 && !/^[0-9]*$/.test(evr.slice(0, colon))
          ? "epoch must be unsigned integer"
          : undefined;
  if (why === undefined) return;
  const isFatal = state.expandNumber("_wrong_version_format_terminate_build") !== 0;
  const message = `Invalid version (${why}): ${evr} in ${tag}`;
  state.report(isFatal ? "error" : "warning", "dependency-version-form", message, place);
}
