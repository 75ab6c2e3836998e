import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planLayers, sourceNameOf, type SourceGroup } from "./layer-plan.ts";

const base = (source: string, sizeBytes: number): SourceGroup => ({
  source,
  own: false,
  sizeBytes,
});
const own = (source: string, sizeBytes: number): SourceGroup => ({ source, own: true, sizeBytes });

describe("layers by source package", () => {
  test("one each while there is room", () => {
    expect(planLayers([base("glibc", 9), own("gtk3", 5)], 2)).toEqual([["glibc"], ["gtk3"]]);
  });

  test("the big ones alone, the small ones together, base and own apart", () => {
    const groups = [
      ...[base("glibc", 90), base("bash", 5), base("dash", 1)],
      ...[own("gtk3", 50), own("cairo", 2), own("pango", 1)],
    ];
    expect(planLayers(groups, 4)).toEqual([
      ["bash", "dash"],
      ["glibc"],
      ["cairo", "pango"],
      ["gtk3"],
    ]);
  });

  test("packages keep their layer, whatever their sizes become", () => {
    const before = [["bash", "dash"], ["glibc"], ["cairo", "pango"], ["gtk3"]];
    const groups = [
      ...[base("glibc", 1), base("bash", 80), base("dash", 70)],
      ...[own("gtk3", 1), own("cairo", 90), own("pango", 1)],
    ];
    expect(planLayers(groups, 4, before)).toEqual(before);
  });

  test("a new package goes to the lightest layer of its kind; the others stay", () => {
    const before = [["bash"], ["glibc"], ["gtk3"]];
    const groups = [base("bash", 5), base("glibc", 90), own("gtk3", 50), base("zlib", 1)];
    expect(planLayers(groups, 3, before)).toEqual([["bash", "zlib"], ["glibc"], ["gtk3"]]);
  });

  const groupsArbitrary = fc.uniqueArray(
    fc.record({
      source: fc.stringMatching(/^[a-z]{1,4}$/),
      own: fc.boolean(),
      sizeBytes: fc.nat(1000),
    }),
    { selector: ({ source }) => source, minLength: 1, maxLength: 40 },
  );

  test("each package is in exactly one layer, within the budget, for any input", () => {
    fc.assert(
      fc.property(groupsArbitrary, fc.integer({ min: 1, max: 15 }), (groups, slots) => {
        const layers = planLayers(groups, slots);
        expect(layers.length).toBeLessThanOrEqual(slots);
        expect(layers.every((layer) => layer.length > 0)).toBe(true);
        expect(layers.flat().toSorted()).toEqual(groups.map(({ source }) => source).toSorted());
        // Its own answer as the layers before is its own answer again.
        expect(planLayers(groups, slots, layers)).toEqual(layers);
        expect(planLayers(groups.toReversed(), slots)).toEqual(layers);
      }),
    );
  });

  test("packages that stay keep their company, whatever comes and goes", () => {
    fc.assert(
      fc.property(groupsArbitrary, groupsArbitrary, (before, after) => {
        const layers = planLayers(before, 8);
        const next = planLayers(after, 8, layers);
        const stays = new Set(after.map(({ source }) => source));
        for (const layer of layers) {
          const kept = layer.filter((source) => stays.has(source));
          const homes = new Set(
            kept.map((source) => next.findIndex((one) => one.includes(source))),
          );
          expect(homes.size).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

test("the source package's name", () => {
  expect(sourceNameOf("glib2-2.84.4-1.cr1.src.rpm")).toBe("glib2");
  expect(sourceNameOf("gcc-14-14.2.0-19.src.rpm")).toBe("gcc-14");
});
