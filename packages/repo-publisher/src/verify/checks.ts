import path from "node:path";
import { CleanroomError, nameMatcher, type Sha256, sha256File } from "@cleanroom/core";
import { parseRequirement, type Requirement } from "rpm-parser";
import type { PublisherContext } from "../sign/signing-key.ts";
import { type Inspection, inspectRepository } from "./inspect-repository.ts";

/** What must be true of a generation before clients see it, besides signatures and digests. */
export interface PublishChecks {
  /**
   * Folders of the repositories that clients use besides this one. With them, and nothing else,
   * each package must be installable. Not checked when absent; an empty list means that the
   * repository stands alone.
   */
  readonly bases?: readonly string[];
  /** Globs of capabilities that no package may require or provide: the profiles' `forbid`. */
  readonly forbid?: readonly string[];
}

/** What decides the outcome of the checks, for a request's key. */
export async function checksKey({ bases, forbid }: PublishChecks): Promise<{
  bases: readonly Sha256[] | undefined;
  forbid: readonly string[] | undefined;
}> {
  const digests = bases?.map((base) => sha256File(path.join(base, "repodata/repomd.xml")));
  return { bases: digests === undefined ? undefined : await Promise.all(digests), forbid };
}

/**
 * Checks a finished generation in its folder, as clients will see it.
 *
 * @throws CleanroomError `repository-forbidden`, `repository-incomplete`, `repository-invalid`
 */
export async function checkGeneration(
  { tools }: PublisherContext,
  folder: string,
  keyFile: string,
  { bases, forbid = [] }: PublishChecks,
): Promise<void> {
  if (bases === undefined && forbid.length === 0) return;
  const closure = bases !== undefined;
  const inspection = await inspectRepository(tools, folder, {
    keyFile,
    bases: bases ?? [],
    closure,
  });
  const forbidden = forbiddenCapabilities(inspection.packages, forbid);
  if (forbidden.length > 0) {
    throw new CleanroomError(
      "repository-forbidden",
      `a profile forbids what ${count(forbidden.length, "package")} would bring:\n${listed(forbidden)}`,
      { hint: "strip it from the specs, or publish without these packages" },
    );
  }
  const broken = inspection.broken.flatMap(({ nevra, reasons }) => explain(nevra, reasons));
  if (broken.length > 0) {
    throw new CleanroomError(
      "repository-incomplete",
      `${count(inspection.broken.length, "package")} could not be installed by anyone:\n${listed(broken)}`,
      { hint: "build what is missing, or strip the dependency" },
    );
  }
}

/** Who lacks what, one a line; libsolv's own words where it says more than that something is missing. */
export function explain(nevra: string, reasons: readonly string[]): string[] {
  const telling = reasons.filter((reason) => reason !== "conflicting requests");
  return telling.length === 0 ? [`${nevra}: ${reasons.join(", ")}`] : telling;
}

/** One line for each package that has to do with something forbidden. */
export function forbiddenCapabilities(
  packages: readonly Pick<Inspection["packages"][number], "nevra" | "requires" | "provides">[],
  forbid: readonly string[],
): readonly string[] {
  const isForbidden = nameMatcher(forbid);
  return packages.flatMap(({ nevra, requires, provides }) => {
    const required = requires.filter((text) => namesIn(text).some(isForbidden));
    const provided = provides.filter((text) => namesIn(text).some(isForbidden));
    return [
      ...(required.length === 0 ? [] : [`${nevra} requires ${required.join(", ")}`]),
      ...(provided.length === 0 ? [] : [`${nevra} provides ${provided.join(", ")}`]),
    ];
  });
}

/** The capabilities' names in a dependency, rich or not. */
function namesIn(text: string): readonly string[] {
  const requirement = parseRequirement(text);
  return requirement === undefined ? [text] : namesOf(requirement);
}

function namesOf(requirement: Requirement): readonly string[] {
  return requirement.kind === "simple"
    ? [requirement.capability.name]
    : requirement.operands.flatMap(namesOf);
}

const linesMax = 20;

function listed(lines: readonly string[]): string {
  const shown = lines.slice(0, linesMax).map((line) => `    ${line}`);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`    and ${rest} more`] : [])].join("\n");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
