import { expect, test } from "vitest";
import { buildClosure, buildOrder, type GraphNode } from "./stack-graph.ts";

const graph = (
  edges: Readonly<Record<string, readonly [build: string[], runtime: string[]]>>,
): ReadonlyMap<string, GraphNode> =>
  new Map(
    Object.entries(edges).map(([name, [buildNeeds, runtimeNeeds]]) => [
      name,
      { name, buildNeeds, runtimeNeeds },
    ]),
  );

test("what a build needs brings what that needs once it is installed", () => {
  const nodes = graph({
    gtk: [["pango"], []],
    pango: [["glib", "meson-extras"], ["glib"]],
    glib: [["bootstrap-tool"], []],
    "meson-extras": [[], []],
    "bootstrap-tool": [[], []],
  });
  expect(buildClosure(nodes, "gtk")).toEqual(["glib", "pango"]);
});

test("the order puts each package after what it needs", () => {
  const nodes = graph({ c: [["b"], []], b: [["a"], ["a"]], a: [[], []] });
  expect(buildOrder(nodes)).toEqual(["a", "b", "c"]);
});

test("a cycle is printed as a path", () => {
  const nodes = graph({ a: [["b"], []], b: [["c"], []], c: [["a"], []] });
  expect(() => buildOrder(nodes)).toThrow("a -> b -> c -> a");
});

test("a package that asks for itself once installed is no cycle", () => {
  const nodes = graph({ a: [["b"], ["a"]], b: [[], ["a"]] });
  expect(buildOrder(nodes)).toEqual(["b", "a"]);
});
