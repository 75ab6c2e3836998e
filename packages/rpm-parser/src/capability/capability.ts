import { compareEvr } from "../version/evr.ts";

export type Operator = "<" | "<=" | "=" | ">=" | ">";

/** A name, with a range of versions where one is given: one thing a package has or needs. */
export interface Capability {
  readonly name: string;
  readonly operator?: Operator;
  /** `[epoch:]version[-release]`; present exactly when the operator is. */
  readonly evr?: string;
}

export type RichOperator = "and" | "or" | "if" | "unless" | "with" | "without";

/**
 * A rich (boolean) dependency as a tree. `and`, `or` and `with` may have more than two operands;
 * `if` and `unless` have two, or three with the `else` branch last.
 */
export type Requirement =
  | { readonly kind: "simple"; readonly capability: Capability }
  | {
      readonly kind: "rich";
      readonly operator: RichOperator;
      readonly operands: readonly Requirement[];
    };

/** `name` or `name operator evr`, as rpm prints it. */
export function formatCapability({ name, operator, evr }: Capability): string {
  return operator === undefined || evr === undefined ? name : `${name} ${operator} ${evr}`;
}

/** A requirement in rpm's normal form, rich ones in parentheses with single spaces. */
export function formatRequirement(requirement: Requirement): string {
  if (requirement.kind === "simple") return formatCapability(requirement.capability);
  const { operator, operands } = requirement;
  const [first, second, third] = operands.map((one) => formatRequirement(one));
  if (operands.length === 3 && (operator === "if" || operator === "unless")) {
    return `(${first} ${operator} ${second} else ${third})`;
  }
  return `(${operands.map((one) => formatRequirement(one)).join(` ${operator} `)})`;
}

/**
 * Whether a provided capability meets a wanted one: the same name, and ranges that overlap. Without
 * a version on either side the name alone decides (rpm's `rpmdsCompare`).
 */
export function capabilityMatches(provided: Capability, wanted: Capability): boolean {
  if (provided.name !== wanted.name) return false;
  if (
    provided.operator === undefined ||
    wanted.operator === undefined ||
    provided.evr === undefined ||
    wanted.evr === undefined ||
    provided.evr === "" ||
    wanted.evr === ""
  ) {
    return true;
  }
  const order = compareEvr(provided.evr, wanted.evr);
  if (order < 0) return provided.operator.startsWith(">") || wanted.operator.startsWith("<");
  if (order > 0) return provided.operator.startsWith("<") || wanted.operator.startsWith(">");
  return (
    (provided.operator.includes("=") && wanted.operator.includes("=")) ||
    (provided.operator.startsWith("<") && wanted.operator.startsWith("<")) ||
    (provided.operator.startsWith(">") && wanted.operator.startsWith(">"))
  );
}

/**
 * Whether a requirement is met, given a test for simple ones. `with` and `without` need one package
 * that does both, so `providers` answers with the packages that provide a capability; any value
 * that identifies a package will do. (rpm's `docs/manual/boolean_dependencies.md`.)
 */
export function requirementMatches<P>(
  requirement: Requirement,
  providers: (capability: Capability) => ReadonlySet<P>,
): boolean {
  if (requirement.kind === "simple") return providers(requirement.capability).size > 0;
  const { operator, operands } = requirement;
  const [first, second, third] = operands;
  const holds = (one: Requirement | undefined): boolean =>
    one !== undefined && requirementMatches(one, providers);
  switch (operator) {
    case "and":
      return operands.every((one) => holds(one));
    case "or":
      return operands.some((one) => holds(one));
    case "if":
      return holds(second) ? holds(first) : third === undefined || holds(third);
    case "unless":
      return holds(second) ? third !== undefined && holds(third) : holds(first);
    default:
      return packagesOf(requirement, providers).size > 0;
  }
}

function packagesOf<P>(
  requirement: Requirement,
  providers: (capability: Capability) => ReadonlySet<P>,
): ReadonlySet<P> {
  if (requirement.kind === "simple") return providers(requirement.capability);
  const sets = requirement.operands.map((one) => packagesOf(one, providers));
  const [first = new Set<P>(), ...others] = sets;
  switch (requirement.operator) {
    case "with":
      return others.reduce((left, right) => left.intersection(right), first);
    case "without":
      return others.reduce((left, right) => left.difference(right), first);
    case "or":
      return others.reduce((left, right) => left.union(right), first);
    default:
      return new Set<P>();
  }
}
