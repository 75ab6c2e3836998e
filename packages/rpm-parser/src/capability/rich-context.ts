import type { Requirement } from "./capability.ts";

/** What a part of a rich dependency does not allow around it. */
interface Refusals {
  readonly with: boolean;
  readonly and: boolean;
  readonly or: boolean;
}

const nothing: Refusals = { with: false, and: false, or: false };

/**
 * What is wrong with how a rich dependency is put together, in rpm's words; undefined when all is
 * well. `if` does not mix with `or`, `unless` not with `and`, and inside `with` stand only simple
 * ones (rpm's `rpmrichParseForTag`).
 *
 * @param isNegative the dependency keeps packages out or applies in reverse: Conflicts,
 *   Supplements, Enhances.
 */
export function richContextError(
  requirement: Requirement,
  isNegative: boolean,
): string | undefined {
  const refusals = refusalsOf(requirement);
  if (typeof refusals === "string") return refusals;
  return contextError(isNegative ? "or" : "and", refusals);
}

function contextError(operator: string, refusals: Refusals): string | undefined {
  if ((operator === "with" || operator === "without") && refusals.with) {
    return "Illegal ops in with/without";
  }
  if ((operator === "and" || operator === "if") && refusals.and) {
    return "Illegal context for 'unless', please use 'or' instead";
  }
  if ((operator === "or" || operator === "unless") && refusals.or) {
    return "Illegal context for 'if', please use 'and' instead";
  }
  return undefined;
}

function refusalsOf(requirement: Requirement): Refusals | string {
  if (requirement.kind === "simple") return nothing;
  const { operator, operands } = requirement;
  let all = nothing;
  for (const [index, operand] of operands.entries()) {
    const inner = refusalsOf(operand);
    if (typeof inner === "string") return inner;
    const isCondition = index === 1 && (operator === "if" || operator === "unless");
    all = {
      with: all.with || inner.with,
      and: all.and || (inner.and && !isCondition),
      or: all.or || (inner.or && !isCondition),
    };
  }
  // A group of one has no operator of its own.
  if (operands.length === 1) return all;
  const error = contextError(operator, all);
  if (error !== undefined) return error;
  if (operator === "and" || operator === "or") {
    return { with: all.with || operator === "and", and: false, or: false };
  }
  return {
    with: all.with || operator === "if" || operator === "unless",
    and: all.and || operator === "unless",
    or: all.or || operator === "if",
  };
}
