import { CleanroomError } from "@cleanroom/core";

/** What the graph needs to know of one package. */
export interface GraphNode {
  readonly name: string;
  /** Names of packages whose RPMs its BuildRequires ask for. */
  readonly buildNeeds: readonly string[];
  /** Names of packages whose RPMs its own RPMs ask for once they are installed. */
  readonly runtimeNeeds: readonly string[];
}

/**
 * What must be built before a package: all that its build asks for, with all that those need in
 * turn once they are installed. Sorted; the package itself is never among them.
 */
export function buildClosure(nodes: ReadonlyMap<string, GraphNode>, name: string): string[] {
  const found = new Set<string>();
  const visit = (dependency: string): void => {
    if (dependency === name || found.has(dependency)) return;
    found.add(dependency);
    for (const next of nodes.get(dependency)?.runtimeNeeds ?? []) visit(next);
  };
  for (const dependency of nodes.get(name)?.buildNeeds ?? []) visit(dependency);
  return [...found].toSorted();
}

/**
 * Packages in an order in which each comes after all that it needs, alphabetically where that
 * leaves a choice.
 *
 * @throws {CleanroomError} `build-cycle` with the cycle as a path
 */
export function buildOrder(nodes: ReadonlyMap<string, GraphNode>): string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return;
    const from = path.indexOf(name);
    if (from >= 0) {
      throw new CleanroomError(
        "build-cycle",
        `packages need each other to be built: ${[...path.slice(from), name].join(" -> ")}`,
        {
          exitCode: 2,
          hint: "give one of them a stage that is built without the others (`stages:` in its package.yaml)",
        },
      );
    }
    for (const next of buildClosure(nodes, name)) visit(next, [...path, name]);
    done.add(name);
    order.push(name);
  };
  for (const name of [...nodes.keys()].toSorted()) visit(name, []);
  return order;
}
