import { type Capability, parseRequirement, type Requirement } from "rpm-parser";
import type { PackageNeeds } from "./package-needs.ts";

/** What nothing may ask for. */
export interface ForbidRule {
  /** As reports name it: `no-x11: forbid: libX11*`. */
  readonly name: string;
  readonly matches: (capability: Capability) => boolean;
}

/** Something that a package asks for although a rule forbids it. */
export interface ForbiddenNeed {
  /** NEVRA of the package. */
  readonly package: string;
  /** What asks for it: the path of an ELF file, or `Requires`. */
  readonly by: string;
  /** What it asks for. */
  readonly need: string;
  /** The rule, as reports name it. */
  readonly rule: string;
  /** `needs`: it cannot do without. `names`: its strings hold the name, as for dlopen(3). */
  readonly how: "needs" | "names";
}

/**
 * What packages ask for against rules: NEEDED entries of ELF files, then the Requires of headers
 * that no such entry explains, then names among the strings of ELF files.
 */
export function forbiddenNeeds(
  packages: readonly PackageNeeds[],
  rules: readonly ForbidRule[],
): ForbiddenNeed[] {
  return packages.flatMap(({ nevra, files, requires }) => {
    const judge = (
      by: string,
      how: ForbiddenNeed["how"],
      needs: readonly string[],
      ruleOf: (need: string) => ForbidRule | undefined,
    ): ForbiddenNeed[] =>
      needs.flatMap((need) => {
        const rule = ruleOf(need);
        return rule === undefined ? [] : [{ package: nevra, by, need, rule: rule.name, how }];
      });
    const ofLibrary = (name: string): ForbidRule | undefined => ruleFor({ name }, rules);
    const needed = files.flatMap((file) => judge(file.path, "needs", file.needed, ofLibrary));
    const explained = new Set(needed.map(({ need }) => need));
    // libX11.so.6()(64bit) comes of libX11.so.6.
    const others = requires.filter((text) => !explained.has(text.replace(/\(.*$/, "")));
    return [
      ...needed,
      ...judge("Requires", "needs", others, (text) => {
        const requirement = parseRequirement(text);
        return requirement === undefined ? undefined : ruleAgainst(requirement, rules);
      }),
      ...files.flatMap((file) => judge(file.path, "names", file.named, ofLibrary)),
    ];
  });
}

function ruleFor(capability: Capability, rules: readonly ForbidRule[]): ForbidRule | undefined {
  return rules.find(({ matches }) => matches(capability));
}

/** Of a rich dependency any operand counts: what may bring something in is one way in. */
function ruleAgainst(
  requirement: Requirement,
  rules: readonly ForbidRule[],
): ForbidRule | undefined {
  if (requirement.kind === "simple") return ruleFor(requirement.capability, rules);
  for (const operand of requirement.operands) {
    const rule = ruleAgainst(operand, rules);
    if (rule !== undefined) return rule;
  }
  return undefined;
}
