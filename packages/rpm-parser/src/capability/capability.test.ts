import { describe, expect, it } from "vitest";
import {
  type Capability,
  capabilityMatches,
  formatRequirement,
  requirementMatches,
} from "./capability.ts";
import { parseCapability, parseRequirement, parseRequirements } from "./parse.ts";

/** The texts of a field's requirements, or the error that ends it. */
function texts(field: string): string[] {
  return parseRequirements(field).map((one) =>
    "error" in one ? `error: ${one.error.message}` : formatRequirement(one.requirement),
  );
}

describe("parseRequirements", () => {
  it.each([
    ["a", ["a"]],
    ["a b,c", ["a", "b", "c"]],
    ["a >= 1, b", ["a >= 1", "b"]],
    ["a => 1", ["a >= 1"]],
    ["a == 1", ["a = 1"]],
    ["a>=1", ["a>=1"]],
    ["a =", ["error: Version required"]],
    ["(a or b)", ["(a or b)"]],
    ["( a  or b>=1 )", ["(a or b>=1)"]],
    ["(a if b else c) d", ["(a if b else c)", "d"]],
    ["(a and b and (c >= 1 or d))", ["(a and b and (c >= 1 or d))"]],
    ["(pkgconfig(x) with y)", ["(pkgconfig(x) with y)"]],
    ["(a)", ["(a)"]],
    ["()", ["error: Empty rich dependency"]],
    ["(a and)", ["error: Missing argument to rich dependency op"]],
    ["(a or b and c)", ["error: Cannot chain different ops"]],
    ["(a if b if c)", ["error: Can only chain and/or/with ops"]],
    ["(a xor b)", ["error: Unknown rich dependency op 'xor'"]],
    ["(a or b", ["error: Unterminated rich dependency"]],
  ])("%s", (field, expected) => {
    expect(texts(field)).toEqual(expected);
  });

  it("survives nesting without end", () => {
    expect(texts("(a or ".repeat(5000))).toEqual(["error: Rich dependency is nested too deeply"]);
  });
});

function capability(text: string): Capability {
  return parseCapability(text) ?? { name: "" };
}

describe("capabilityMatches", () => {
  it.each([
    ["a", "a", true],
    ["a", "b", false],
    ["a = 1", "a", true],
    ["a", "a >= 1", true],
    ["a = 1", "a >= 1", true],
    ["a = 1", "a > 1", false],
    ["a = 1-2", "a = 1", true],
    ["a = 1-2", "a > 1", false],
    ["a = 1:1", "a >= 2", true],
    ["a < 2", "a >= 2", false],
    ["a <= 2", "a >= 2", true],
    ["a > 1", "a < 3", true],
  ])("%s meets %s: %s", (provided, wanted, expected) => {
    expect(capabilityMatches(capability(provided), capability(wanted))).toBe(expected);
  });
});

describe("requirementMatches", () => {
  const world: Readonly<Record<string, readonly string[]>> = { p: ["a = 2", "c"], q: ["b"] };
  const providers = (wanted: Capability): ReadonlySet<string> =>
    new Set(
      Object.keys(world).filter((name) =>
        world[name]?.some((text) => capabilityMatches(capability(text), wanted)),
      ),
    );
  it.each([
    ["a", true],
    ["(a and b)", true],
    ["(a and x)", false],
    ["(x or b)", true],
    ["(x if y)", true],
    ["(x if a)", false],
    ["(x if y else b)", true],
    ["(a >= 2 with c)", true],
    ["(a with b)", false],
    ["(a without b)", true],
    ["(a without c)", false],
    ["(x unless a else b)", true],
  ])("%s: %s", (text, expected) => {
    const requirement = parseRequirement(text);
    expect(requirement && requirementMatches(requirement, providers)).toBe(expected);
  });
});
