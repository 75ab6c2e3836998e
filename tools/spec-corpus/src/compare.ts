import type { SpecPackage } from "rpm-parser";
import type { Answer } from "./candidate.ts";
import type { Verdict } from "./judge.ts";

export const aspects = ["nevra", "buildRequires", "requires", "provides", "expand"] as const;
export type Aspect = (typeof aspects)[number];

/** How one spec compares. */
export interface Comparison {
  readonly file: string;
  readonly isAccepted: boolean;
  /** Whether rpm-parser found no error in what the judge accepts, or some in what it rejects. */
  readonly agrees: boolean;
  readonly isRoundTrip: boolean;
  readonly milliseconds: number;
  /** The first lines that differ, by aspect; an aspect that is equal is absent. */
  readonly differences: ReadonlyMap<Aspect, string>;
  /** Codes and messages of rpm-parser's diagnostics, to group differences by. */
  readonly causes: readonly string[];
}

export function compare(file: string, verdict: Verdict, answer: Answer): Comparison {
  const { evaluation, milliseconds, isRoundTrip } = answer;
  const { package: source, accepted, diagnostics, expandedText } = evaluation;
  const built = source.packages;
  const ours: Readonly<Record<Aspect, readonly string[]>> = {
    nevra: built.map((one) => `${one.name}-${evr(one)}.${one.arch}`),
    buildRequires: source.buildRequires.map((one) => one.text),
    requires: built.flatMap((one) => one.requires.map((need) => `${one.name} ${need.text}`)),
    provides: built.flatMap((one) => one.provides.map((need) => `${one.name} ${need.text}`)),
    expand: nonBlank(expandedText),
  };
  const theirs: Readonly<Record<Aspect, readonly string[]>> = {
    nevra: verdict.nevras,
    buildRequires: verdict.buildRequires,
    requires: verdict.requires,
    provides: verdict.provides,
    expand: nonBlank(verdict.expanded),
  };
  const differences = new Map<Aspect, string>();
  if (verdict.isAccepted) {
    for (const aspect of aspects) {
      const isSet = aspect !== "expand";
      const difference = firstDifference(ours[aspect], theirs[aspect], isSet);
      if (difference !== undefined) differences.set(aspect, difference);
    }
  }
  return {
    file,
    isAccepted: verdict.isAccepted,
    agrees: accepted === verdict.isAccepted,
    isRoundTrip,
    milliseconds,
    differences,
    causes: diagnostics
      .filter((one) => one.severity !== "note")
      .map((one) => `${one.code}: ${one.message.slice(0, 160)}`),
  };
}

function evr(one: SpecPackage): string {
  return `${one.epoch === null ? "" : `${one.epoch}:`}${one.version}-${one.release}`;
}

function nonBlank(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** `- ours` and `+ theirs` at the first place where they part; undefined when they are equal. */
function firstDifference(
  ours: readonly string[],
  theirs: readonly string[],
  isSet: boolean,
): string | undefined {
  const left = isSet ? [...new Set(ours)].toSorted() : ours;
  const right = isSet ? [...new Set(theirs)].toSorted() : theirs;
  const length = Math.max(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    if (left[index] === right[index]) continue;
    return `- ${left[index] ?? "(nothing)"}\n+ ${right[index] ?? "(nothing)"}`;
  }
  return undefined;
}
