import { CleanroomError } from "@cleanroom/core";

/** What the graph needs to know of one build of a package. */
export interface GraphNode {
  readonly name: string;
  /** Names of packages whose RPMs its BuildRequires ask for. */
  readonly buildNeeds: readonly string[];
  /** Names of packages whose RPMs its own RPMs ask for once they are installed. */
  readonly runtimeNeeds: readonly string[];
}

/** The packages of a stack, and the earlier builds that some of them have to cut cycles. */
export interface StackGraph {
  readonly packages: ReadonlyMap<string, GraphNode>;
  /** By the package's name: its build before the last one. */
  readonly bootstraps: ReadonlyMap<string, GraphNode>;
}

/** One build: of a package, or of its bootstrap stage. */
export interface BuildId {
  readonly name: string;
  readonly stage: "bootstrap" | undefined;
}

/** `glib2`, or `glib2:bootstrap`. */
export function formatBuildId({ name, stage }: BuildId): string {
  return stage === undefined ? name : `${name}:${stage}`;
}

/** What one build needs, and all builds of a stack in an order that they can be done in. */
export interface BuildPlan {
  /** By {@link formatBuildId}: the builds whose RPMs can be in the build root, in their order. */
  readonly needs: ReadonlyMap<string, readonly BuildId[]>;
  /** Each after all that it needs; alphabetical where that leaves a choice. */
  readonly order: readonly BuildId[];
}

/**
 * Plans the builds of a stack. A build needs what its BuildRequires ask for, and all that this
 * asks for once installed: what its spec says, and what rpm adds by itself when it is built (the
 * libraries that its files link, the .pc files that its .pc files name). The latter is not known
 * before, but it can only be something that was in its own build root. Packages that need each other in a cycle are built against the
 * bootstrap stage of those of them that have one; so is a package that comes back to itself.
 * A bootstrap stage that no cycle needs is not built.
 *
 * @throws {CleanroomError} `build-cycle` with the cycle as a path, and what to write
 */
export function planBuilds(graph: StackGraph): BuildPlan {
  const needs = new Map<string, readonly BuildId[]>();
  const cycles = cyclesOf(graph);
  const order: BuildId[] = [];
  const done = new Set<string>();
  const visit = (build: BuildId, path: readonly BuildId[]): void => {
    const id = formatBuildId(build);
    if (done.has(id)) return;
    const from = path.findIndex((one) => formatBuildId(one) === id);
    if (from >= 0) throw cycleError(graph, [...path.slice(from), build]);
    const wanted = needsOf(graph, cycles, build);
    // What the spec itself asks for comes first, so that a cycle is printed without short cuts.
    const asked = new Set(nodeOf(graph, build)?.buildNeeds);
    const [direct, indirect] = [true, false].map((isAsked) =>
      wanted.filter(({ name }) => asked.has(name) === isAsked),
    );
    for (const next of [...(direct ?? []), ...(indirect ?? [])]) visit(next, [...path, build]);
    done.add(id);
    needs.set(id, wanted);
    order.push(build);
  };
  for (const name of [...graph.packages.keys()].toSorted()) visit({ name, stage: undefined }, []);
  return { needs, order };
}

function nodeOf({ packages, bootstraps }: StackGraph, build: BuildId): GraphNode | undefined {
  return (build.stage === undefined ? packages : bootstraps).get(build.name);
}

/** The builds whose RPMs can be in a build root, sorted by name. */
function needsOf(
  { packages, bootstraps }: StackGraph,
  cycles: ReadonlyMap<string, number>,
  build: BuildId,
): BuildId[] {
  const cycle = cycles.get(build.name);
  const found = new Map<string, BuildId>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const isBootstrap = cycles.get(name) === cycle && bootstraps.has(name);
    if (name === build.name && (build.stage !== undefined || !isBootstrap)) return;
    found.set(name, { name, stage: isBootstrap ? "bootstrap" : undefined });
    const node = (isBootstrap ? bootstraps : packages).get(name);
    for (const next of [...(node?.runtimeNeeds ?? []), ...(node?.buildNeeds ?? [])]) visit(next);
  };
  for (const name of nodeOf({ packages, bootstraps }, build)?.buildNeeds ?? []) visit(name);
  return [...found.keys()].toSorted().flatMap((name) => found.get(name) ?? []);
}

/** Names that the last builds of packages need, themselves aside. */
function plainNeeds({ packages }: StackGraph, name: string): string[] {
  const found = new Set<string>();
  const visit = (one: string): void => {
    if (one === name || found.has(one)) return;
    found.add(one);
    for (const next of packages.get(one)?.runtimeNeeds ?? []) visit(next);
  };
  for (const one of packages.get(name)?.buildNeeds ?? []) visit(one);
  return [...found].toSorted();
}

/**
 * The number of each package's strongly connected component: packages with the same number need
 * each other (Tarjan's algorithm).
 */
function cyclesOf(graph: StackGraph): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  const lowest = new Map<string, number>();
  const component = new Map<string, number>();
  const stack: string[] = [];
  const visit = (name: string): void => {
    const number = numbers.size;
    numbers.set(name, number);
    lowest.set(name, number);
    stack.push(name);
    for (const next of plainNeeds(graph, name)) {
      if (!numbers.has(next)) visit(next);
      if (component.has(next)) continue;
      lowest.set(name, Math.min(lowest.get(name) ?? 0, lowest.get(next) ?? 0));
    }
    if (lowest.get(name) !== number) return;
    for (const one of stack.splice(stack.indexOf(name))) component.set(one, number);
  };
  for (const name of graph.packages.keys()) if (!numbers.has(name)) visit(name);
  return component;
}

function cycleError({ bootstraps }: StackGraph, path: readonly BuildId[]): CleanroomError {
  const names = [...new Set(path.map(({ name }) => name))].toSorted();
  const staged = names.filter((name) => bootstraps.has(name));
  const [first = ""] = names;
  return new CleanroomError(
    "build-cycle",
    `packages need each other to be built: ${path.map((one) => formatBuildId(one)).join(" -> ")}`,
    {
      exitCode: 2,
      hint:
        staged.length === 0
          ? `say how one of them is built without the others, in its package.yaml, such as specs/rpm/${first}/package.yaml: \`stages: { bootstrap: { without: [CONDITION] } }\``
          : `the bootstrap stage of ${staged.join(" and ")} still needs the others: switch off in its package.yaml what asks for them`,
    },
  );
}
