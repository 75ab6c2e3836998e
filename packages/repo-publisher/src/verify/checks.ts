import path from "node:path";
import { CleanroomError, type Json, nameMatcher, type Sha256, sha256File } from "@cleanroom/core";
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
  /** Globs of capabilities that no package may require or provide. */
  readonly forbid?: readonly string[];
  /** The same for the packages of one source package, by its name: its profiles' `forbid`. */
  readonly forbidIn?: Readonly<Record<string, readonly string[]>>;
}

/** What decides the outcome of the checks, for a request's key. */
export async function checksKey({ bases, forbid, forbidIn }: PublishChecks): Promise<Json> {
  const digests = bases?.map((base) => sha256File(path.join(base, "repodata/repomd.xml")));
  const base = digests === undefined ? undefined : await Promise.all(digests);
  return { bases: base, forbid, forbidIn };
}

/** Whether there is anything to check. */
export function checksAnything({ bases, forbid = [], forbidIn = {} }: PublishChecks): boolean {
  return bases !== undefined || forbid.length > 0 || Object.keys(forbidIn).length > 0;
}

/** A package that clients must not see, and why. */
export interface Offender {
  readonly nevra: string;
  /** Null when the metadata has another kind of digest. */
  readonly sha256: Sha256 | null;
  readonly code: "repository-forbidden" | "repository-incomplete";
  /** One line each. */
  readonly reasons: readonly string[];
}

/**
 * Checks a finished generation in its folder, as clients will see it.
 *
 * @throws CleanroomError `repository-invalid`
 */
export async function offendersIn(
  { tools }: PublisherContext,
  folder: string,
  keyFile: string,
  checks: PublishChecks,
): Promise<readonly Offender[]> {
  if (!checksAnything(checks)) return [];
  const { bases } = checks;
  const closure = bases !== undefined;
  return findOffenders(
    await inspectRepository(tools, folder, { keyFile, bases: bases ?? [], closure }),
    checks,
  );
}

/** Those of an inspected repository: first what is forbidden, then what cannot be installed. */
export function findOffenders(
  { packages, broken }: Inspection,
  { forbid = [], forbidIn = {} }: PublishChecks,
): readonly Offender[] {
  const digests = new Map(packages.map(({ nevra, sha256 }) => [nevra, sha256]));
  const forbidden = packages.flatMap((one): Offender[] => {
    const reasons = forbiddenCapabilities(one, [...forbid, ...(forbidIn[sourceName(one)] ?? [])]);
    if (reasons.length === 0) return [];
    return [{ nevra: one.nevra, sha256: one.sha256, code: "repository-forbidden", reasons }];
  });
  const incomplete = broken.map(({ nevra, reasons }): Offender => ({
    nevra,
    sha256: digests.get(nevra) ?? null,
    code: "repository-incomplete",
    reasons: explain(nevra, reasons),
  }));
  return [...forbidden, ...incomplete];
}

/** The error that says all of it. */
export function offendersError(offenders: readonly Offender[]): CleanroomError {
  const forbidden = offenders.filter(({ code }) => code === "repository-forbidden");
  if (forbidden.length > 0) {
    return new CleanroomError(
      "repository-forbidden",
      `a profile forbids what ${count(forbidden.length, "package")} would bring:\n${listed(forbidden)}`,
      { hint: "strip it from the specs, or publish without these packages" },
    );
  }
  return new CleanroomError(
    "repository-incomplete",
    `${count(offenders.length, "package")} could not be installed by anyone:\n${listed(offenders)}`,
    { hint: "build what is missing, or strip the dependency" },
  );
}

/** The source package's name: neither version nor release can hold a hyphen. */
function sourceName({ name, sourceRpm }: Inspection["packages"][number]): string {
  return sourceRpm?.replace(/-[^-]+-[^-]+$/, "") ?? name;
}

/** Who lacks what, one a line; libsolv's own words where it says more than that something is missing. */
function explain(nevra: string, reasons: readonly string[]): string[] {
  const telling = reasons.filter((reason) => reason !== "conflicting requests");
  return telling.length === 0 ? [`${nevra}: ${reasons.join(", ")}`] : telling;
}

/** What a package has to do with something forbidden. */
function forbiddenCapabilities(
  {
    nevra,
    requires,
    provides,
  }: Pick<Inspection["packages"][number], "nevra" | "requires" | "provides">,
  forbid: readonly string[],
): readonly string[] {
  if (forbid.length === 0) return [];
  const isForbidden = nameMatcher(forbid);
  const bad = (texts: readonly string[]): string =>
    texts.filter((text) => namesIn(text).some(isForbidden)).join(", ");
  const [required, provided] = [bad(requires), bad(provides)];
  return [
    ...(required === "" ? [] : [`${nevra} requires ${required}`]),
    ...(provided === "" ? [] : [`${nevra} provides ${provided}`]),
  ];
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

function listed(offenders: readonly Offender[]): string {
  const lines = offenders.flatMap(({ reasons }) => reasons);
  const shown = lines.slice(0, linesMax).map((line) => `    ${line}`);
  const rest = lines.length - shown.length;
  return [...shown, ...(rest > 0 ? [`    and ${rest} more`] : [])].join("\n");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
