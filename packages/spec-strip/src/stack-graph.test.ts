import { describe, expect, test } from "vitest";
import { formatBuildId, type GraphNode, planBuilds, type StackGraph } from "./stack-graph.ts";

type Needs = readonly [build: string[], runtime: string[]];

const nodes = (needs: Readonly<Record<string, Needs>>): ReadonlyMap<string, GraphNode> =>
  new Map(
    Object.entries(needs).map(([name, [buildNeeds, runtimeNeeds]]) => [
      name,
      { name, buildNeeds, runtimeNeeds },
    ]),
  );

const graph = (
  packages: Readonly<Record<string, Needs>>,
  bootstraps: Readonly<Record<string, Needs>> = {},
): StackGraph => ({ packages: nodes(packages), bootstraps: nodes(bootstraps) });

const orderOf = (stack: StackGraph): string[] =>
  planBuilds(stack).order.map((build) => formatBuildId(build));
const needsOf = (stack: StackGraph, id: string): string[] =>
  (planBuilds(stack).needs.get(id) ?? []).map((build) => formatBuildId(build));

test("what a build needs brings all that can be among what that needs once it is installed", () => {
  const stack = graph({
    gtk: [["pango"], []],
    pango: [["glib", "meson-extras"], ["glib"]],
    glib: [["bootstrap-tool"], []],
    "meson-extras": [[], []],
    "bootstrap-tool": [[], []],
  });
  expect(needsOf(stack, "gtk")).toEqual(["bootstrap-tool", "glib", "meson-extras", "pango"]);
});

test("the order puts each package after what it needs", () => {
  expect(orderOf(graph({ c: [["b"], []], b: [["a"], ["a"]], a: [[], []] }))).toEqual([
    "a",
    "b",
    "c",
  ]);
});

test("a package that asks for itself once installed is no cycle", () => {
  expect(orderOf(graph({ a: [["b"], ["a"]], b: [[], ["a"]] }))).toEqual(["b", "a"]);
});

describe("a cycle without a stage", () => {
  test("is printed as a path, with what to write", () => {
    const stack = graph({ a: [["b"], []], b: [["c"], []], c: [["a"], []] });
    expect(() => planBuilds(stack)).toThrow("a -> b -> c -> a");
    expect(() => planBuilds(stack)).toThrow(
      expect.objectContaining({
        code: "build-cycle",
        hint: expect.stringContaining("stages: { bootstrap: { without: [CONDITION] } }"),
      }),
    );
  });

  test("is one even where a stage is there but does not cut it", () => {
    const stack = graph({ glib: [["gi"], []], gi: [["glib"], ["glib"]] }, { glib: [["gi"], []] });
    expect(() => planBuilds(stack)).toThrow("gi -> glib:bootstrap -> gi");
    expect(() => planBuilds(stack)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("of glib still needs the others") }),
    );
  });
});

describe("a cycle with a bootstrap stage", () => {
  const stack = graph(
    {
      ffi: [[], []],
      glib: [["ffi", "gi"], ["ffi"]],
      gi: [["glib"], ["glib"]],
      pango: [["gi", "glib"], ["glib"]],
    },
    { glib: [["ffi"], ["ffi"]] },
  );

  test("builds what the last build needs against the stage", () => {
    expect(orderOf(stack)).toEqual(["ffi", "glib:bootstrap", "gi", "glib", "pango"]);
    expect(needsOf(stack, "gi")).toEqual(["ffi", "glib:bootstrap"]);
  });

  test("brings the last build back to its own stage, for what needs it there", () => {
    expect(needsOf(stack, "glib")).toEqual(["ffi", "gi", "glib:bootstrap"]);
  });

  test("leaves everything else with the last build", () => {
    expect(needsOf(stack, "pango")).toEqual(["ffi", "gi", "glib"]);
  });

  test("does not take the stage into the build of the stage", () => {
    expect(needsOf(stack, "glib:bootstrap")).toEqual(["ffi"]);
  });
});

test("a bootstrap stage that no cycle needs is not built", () => {
  const stack = graph({ a: [[], []], b: [["a"], []] }, { a: [[], []] });
  expect(orderOf(stack)).toEqual(["a", "b"]);
});
