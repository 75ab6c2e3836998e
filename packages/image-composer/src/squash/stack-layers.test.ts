import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LayerEntry, stackLayers } from "./stack-layers.ts";

const file = (path: string, sizeBytes = 1): LayerEntry => ({ path, type: "file", sizeBytes });
const directory = (path: string): LayerEntry => ({ path, type: "directory", sizeBytes: 0 });
const link = (path: string, linkTarget: string): LayerEntry => ({
  ...{ path, type: "link", sizeBytes: 0, linkTarget },
});

describe("stackLayers", () => {
  test("an upper file replaces a lower one, and says by how much", () => {
    const { fates, hidden } = stackLayers([
      [file("etc/a", 10), file("etc/b", 20)],
      [file("etc/a")],
    ]);
    expect(fates).toEqual([["drop", "keep"], ["keep"]]);
    expect(hidden).toEqual([{ path: "etc/a", sizeBytes: 10, layer: 0, by: 1, how: "overwritten" }]);
  });

  test("a whiteout deletes what is below it, and is not seen itself", () => {
    const { fates, hidden } = stackLayers([
      [directory("tmp"), file("tmp/big", 100), file("keep")],
      [file(".wh.tmp")],
    ]);
    expect(fates).toEqual([["drop", "drop", "keep"], ["drop"]]);
    expect(hidden).toEqual([{ path: "tmp/big", sizeBytes: 100, layer: 0, by: 1, how: "deleted" }]);
  });

  test("an opaque directory hides what lower layers have in it, not its own", () => {
    const { fates } = stackLayers([
      [directory("d"), file("d/old")],
      [directory("d"), file("d/new"), file("d/.wh..wh..opq")],
    ]);
    expect(fates).toEqual([
      ["drop", "drop"],
      ["keep", "keep", "drop"],
    ]);
  });

  test("what is no directory hides what was below its path", () => {
    const { fates } = stackLayers([
      [directory("d"), directory("d/e"), file("d/e/f")],
      [{ path: "d", type: "other", sizeBytes: 0 }],
    ]);
    expect(fates).toEqual([["drop", "drop", "drop"], ["keep"]]);
  });

  test("what a layer has below a file's path and then makes a file is one of them", () => {
    const { fates } = stackLayers([
      [file("b/x")],
      [file("b/x/z"), file("b")],
      [file(".wh.b"), file("c/d")],
      [file("c")],
    ]);
    expect(fates).toEqual([["drop"], ["drop", "drop"], ["drop", "drop"], ["keep"]]);
  });

  test("a hard link whose first name is replaced keeps the bytes", () => {
    const { fates, hidden } = stackLayers([
      [file("a", 5), link("b", "a"), link("c", "b")],
      [file("a", 6)],
    ]);
    expect(fates).toEqual([[{ path: "b" }, "drop", { linkTarget: "b" }], ["keep"]]);
    expect(hidden).toMatchObject([{ path: "a", layer: 0, by: 1 }]);
  });

  test("what is seen is what a file system would show", () => {
    const name = fc.constantFrom("a", "b", "a/x", "a/y", "b/x", "b/x/z");
    const entry = fc.oneof(
      name.map((path) => file(path)),
      name.map(directory),
      name.map((path) => file(path.replace(/([^/]+)$/, ".wh.$1"))),
    );
    fc.assert(
      fc.property(fc.array(fc.array(entry, { maxLength: 5 }), { maxLength: 4 }), (layers) => {
        const { fates } = stackLayers(layers);
        const kept = layers
          .flatMap((entries, layer) => entries.filter((_, at) => fates[layer]?.[at] === "keep"))
          .map(({ path, type }) => ({ path, type }));
        expect(kept.map(({ path }) => path).toSorted()).toEqual(
          [...shown(layers).keys()].toSorted(),
        );
        for (const { path, type } of kept) expect(type).toBe(shown(layers).get(path));
      }),
    );
  });
});

/** The same by a plain model: a map that layers are applied to one after the other. */
function shown(layers: readonly (readonly LayerEntry[])[]): Map<string, LayerEntry["type"]> {
  const tree = new Map<string, LayerEntry["type"]>();
  const clear = (path: string): void => {
    for (const one of tree.keys()) if (one === path || one.startsWith(`${path}/`)) tree.delete(one);
  };
  for (const entries of layers) {
    for (const { path } of entries) {
      if (path.includes(".wh.")) clear(path.replace(".wh.", ""));
    }
    for (const { path, type } of entries) {
      if (path.includes(".wh.")) continue;
      for (const [one, kind] of tree) {
        const isBelow = type !== "directory" && one.startsWith(`${path}/`);
        const isOnTheWay = kind !== "directory" && path.startsWith(`${one}/`);
        if (isBelow || isOnTheWay) tree.delete(one);
      }
      tree.set(path, type);
    }
  }
  return tree;
}
