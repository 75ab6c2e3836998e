import type { Capability, Requirement } from "rpm-parser";
import type { Rule } from "../profile/rule.ts";

/** What is left of a dependency: all of it, nothing, or something else. */
export interface Remainder {
  /** Undefined when nothing is left; the same object when nothing was dropped. */
  readonly requirement: Requirement | undefined;
  /** The rules that dropped something. */
  readonly rules: readonly Rule[];
}

/** The rule that wants a capability dropped. */
export type DropTest = (capability: Capability) => Rule | undefined;

/**
 * Takes what rules drop out of a dependency. A dropped capability is one that will not be there:
 * `(a or b)` becomes `b`, `(a if b)` goes with either, `(a if b else c)` without `b` becomes `c`,
 * `(a unless b)` without `b` is `a`, and one package that must be `a with b` is not there at all.
 */
export function dropRequirement(requirement: Requirement, test: DropTest): Remainder {
  if (requirement.kind === "simple") {
    const rule = test(requirement.capability);
    return rule === undefined
      ? { requirement, rules: [] }
      : { requirement: undefined, rules: [rule] };
  }
  const { operator, operands } = requirement;
  const parts = operands.map((operand) => dropRequirement(operand, test));
  const rules = parts.flatMap((part) => part.rules);
  if (rules.length === 0) return { requirement, rules };
  const left = parts.map((part) => part.requirement);
  const [first, second, third] = left;
  switch (operator) {
    case "or":
    case "and": {
      const kept = left.filter((one) => one !== undefined);
      return { requirement: kept.length > 1 ? { ...requirement, operands: kept } : kept[0], rules };
    }
    case "with": {
      const kept = left.filter((one) => one !== undefined);
      return {
        requirement: kept.length === left.length ? { ...requirement, operands: kept } : undefined,
        rules,
      };
    }
    case "without":
      if (first === undefined) return { requirement: undefined, rules };
      return { requirement: second === undefined ? first : rebuilt(requirement, left), rules };
    case "if":
      if (second === undefined) return { requirement: third, rules };
      if (first === undefined && third === undefined) return { requirement: undefined, rules };
      if (first === undefined) return { requirement: inverted(third, second), rules };
      return { requirement: rebuilt(requirement, left), rules };
    case "unless":
      if (second === undefined) return { requirement: first, rules };
      if (first === undefined && third === undefined) return { requirement: undefined, rules };
      if (first === undefined && third !== undefined) {
        return {
          requirement: { kind: "rich", operator: "if", operands: [third, second] },
          rules,
        };
      }
      return { requirement: rebuilt(requirement, left), rules };
    default:
      return { requirement, rules: [] };
  }
}

function rebuilt(
  requirement: Extract<Requirement, { kind: "rich" }>,
  left: readonly (Requirement | undefined)[],
): Requirement {
  return { ...requirement, operands: left.filter((one) => one !== undefined) };
}

/** `(nothing if b else c)` is `(c or b)`: rpm has no `unless` in what a package requires. */
function inverted(other: Requirement | undefined, condition: Requirement): Requirement | undefined {
  if (other === undefined) return undefined;
  return { kind: "rich", operator: "or", operands: [other, condition] };
}
