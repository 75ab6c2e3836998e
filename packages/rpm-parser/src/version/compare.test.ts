import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions } from "./compare.ts";
import { compareEvr, formatEvr, parseEvr } from "./evr.ts";

describe("compareVersions", () => {
  it.each([
    ["1.0", "1.0", 0],
    ["1.0", "2.0", -1],
    ["2.0.1", "2.0", 1],
    ["2.0.1a", "2.0.1", 1],
    ["5.5p1", "5.5p10", -1],
    ["10xyz", "10.1xyz", -1],
    ["xyz10", "xyz10.1", -1],
    ["1.0010", "1.9", 1],
    ["1.05", "1.5", 0],
    ["1.0~rc1", "1.0", -1],
    ["1.0~rc1", "1.0~rc2", -1],
    ["1.0^", "1.0", 1],
    ["1.0^git1", "1.0.1", -1],
    ["1.0~rc1^git1", "1.0~rc1", 1],
    ["1.0^git1~pre", "1.0^git1", -1],
    ["a", "1", -1],
    ["1_0", "1.0", 0],
    ["1.0.", "1.0", 0],
    ["", "1", -1],
  ])("%s against %s", (left, right, expected) => {
    expect(compareVersions(left, right)).toBe(expected);
    expect(compareVersions(right, left)).toBe(expected === 0 ? 0 : -expected);
  });

  it("is an order", () => {
    const version = fc.string({
      unit: fc.constantFrom("0", "1", "9", "a", "b", ".", "~", "^", "_"),
    });
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, b)).toBe(-compareVersions(b, a) + 0);
        const [low = "", middle = "", high = ""] = [a, b, c].toSorted(compareVersions);
        expect(compareVersions(low, middle)).toBeLessThanOrEqual(0);
        expect(compareVersions(middle, high)).toBeLessThanOrEqual(0);
        expect(compareVersions(low, high)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000, seed: 2 },
    );
  });
});

describe("parseEvr", () => {
  it.each([
    ["1.0", { version: "1.0" }],
    ["1.0-2", { version: "1.0", release: "2" }],
    ["3:1.0-2.el9", { epoch: "3", version: "1.0", release: "2.el9" }],
    [":1.0", { epoch: "0", version: "1.0" }],
    ["a:1.0", { version: "a:1.0" }],
    ["1.0-2-3", { version: "1.0-2", release: "3" }],
  ])("%s", (text, expected) => {
    expect(parseEvr(text)).toEqual(expected);
    expect(formatEvr(expected)).toBe(text.replace(/^:/, "0:"));
  });

  it("compares epochs first, and a missing release not at all", () => {
    expect(compareEvr("1:1.0", "2.0")).toBe(1);
    expect(compareEvr("0:1.0-1", "1.0-1")).toBe(0);
    expect(compareEvr("1.0-1", "1.0-2")).toBe(-1);
    expect(compareEvr("1.0", "1.0-2")).toBe(0);
  });
});
