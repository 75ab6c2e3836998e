import { expect, test } from "vitest";
import { MacroScope } from "./scope.ts";
import { macrosFromRecord } from "./table.ts";

test("a scope's table holds what was changed over the base, and changes no more with it", () => {
  const base = macrosFromRecord({ kept: "1", gone: "2", over: "3" });
  const scope = new MacroScope(base);
  scope.push({ name: "over", body: "4" });
  scope.push({ name: "own", body: "5" });
  scope.pop("gone");
  const table = scope.toTable();
  scope.push({ name: "later", body: "6" });
  scope.pop("own");

  const bodies = [...table.names()].toSorted().map((name) => [name, table.get(name)?.body]);
  expect(bodies).toEqual([
    ["kept", "1"],
    ["over", "4"],
    ["own", "5"],
  ]);
  expect(table.size).toBe(3);
  expect(table.has("gone")).toBe(false);
  expect(table.get("over")?.previous?.body).toBe("3");
  expect(base.size).toBe(3);
});

test("a definition on top of a scope's table knows what it hides, and that nothing is left", () => {
  const scope = new MacroScope(macrosFromRecord({ kept: "1", gone: "2" }));
  scope.pop("gone");
  const table = scope.toTable().with([
    { name: "kept", body: "3" },
    { name: "gone", body: "4" },
  ]);
  expect(table.get("kept")?.previous?.body).toBe("1");
  expect(table.get("gone")?.body).toBe("4");
  expect(table.get("gone")?.previous).toBeUndefined();
});
