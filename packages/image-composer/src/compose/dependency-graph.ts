import type { HeaderDependency, RpmHeader } from "rpm-parser";

/** Who needs whom in a closure, and by which capability. */
export interface DependencyGraph {
  /** For each package: what it needs, as index of a supplier and the capability's text. */
  readonly needs: readonly (readonly Need[])[];
  /** What the image itself asks for. */
  readonly wanted: readonly Need[];
}

export interface Need {
  readonly supplier: number;
  readonly capability: string;
}

/**
 * The edges of a resolved closure, found by name: within a closure every version fits already.
 *
 * @param requires the capabilities that image.yaml asks for
 */
export function dependencyGraph(
  headers: readonly RpmHeader[],
  requires: readonly string[],
): DependencyGraph {
  const suppliers = new Map<string, number[]>();
  const supply = (name: string, index: number): void => {
    const list = suppliers.get(name) ?? [];
    if (!list.includes(index)) list.push(index);
    suppliers.set(name, list);
  };
  // Of thousands of files a few are asked for by their paths.
  const asked = new Set(
    [...requires, ...headers.flatMap((header) => header.requires.map(({ text }) => text))].flatMap(
      (text) => (text.includes("/") ? namesIn(text) : []),
    ),
  );
  for (const [index, header] of headers.entries()) {
    for (const { name } of header.provides) supply(name, index);
    for (const { path } of header.files) if (asked.has(path)) supply(path, index);
  }
  const needsOf = (text: string, except: number): Need[] =>
    namesIn(text).flatMap((name) =>
      (suppliers.get(name) ?? [])
        .filter((supplier) => supplier !== except)
        .map((supplier) => ({ supplier, capability: text })),
    );
  return {
    needs: headers.map((header, index) =>
      header.requires.filter(isOfPackages).flatMap(({ text }) => needsOf(text, index)),
    ),
    wanted: requires.flatMap((text) => needsOf(text, -1)),
  };
}

function isOfPackages({ name }: HeaderDependency): boolean {
  return !name.startsWith("rpmlib(");
}

/** The names in a capability; of a rich dependency all it speaks of (rpm's "Boolean dependencies"). */
function namesIn(text: string): string[] {
  if (!text.startsWith("(")) return [text.split(/\s/, 1)[0] ?? text];
  const words = text.slice(1, -1).split(/\s+/);
  const names: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    if (/^(and|or|if|else|with|without|unless)$/.test(word)) continue;
    if (/^[<>=]+$/.test(word)) index += 1;
    else names.push(word.replace(/^\(+/, "").replace(/\)+$/, (end) => balanced(word, end)));
  }
  return names;
}

/** Of a word's closing parentheses, those that its own opening ones ask for. */
function balanced(word: string, end: string): string {
  const inner = word.slice(0, word.length - end.length).replace(/^\(+/, "");
  const open = inner.split("(").length - inner.split(")").length;
  return end.slice(0, Math.max(0, open));
}

/**
 * The shortest way from the image to a package, as people read it:
 * `image -> glib2 (libffi.so.8) -> libffi8`.
 */
export function chainTo(
  graph: DependencyGraph,
  packages: readonly { readonly name: string }[],
  to: number,
): string {
  const cameFrom = new Map<number, { from: number; capability: string }>();
  let edge: number[] = [];
  const visit = (needs: readonly Need[], from: number): void => {
    for (const { supplier, capability } of needs) {
      if (cameFrom.has(supplier)) continue;
      cameFrom.set(supplier, { from, capability });
      edge.push(supplier);
    }
  };
  visit(graph.wanted, -1);
  while (edge.length > 0 && !cameFrom.has(to)) {
    const current = edge;
    edge = [];
    for (const from of current) visit(graph.needs[from] ?? [], from);
  }
  const steps: string[] = [];
  for (let at = to; at >= 0;) {
    const step = cameFrom.get(at);
    if (step === undefined) return packages[to]?.name ?? "";
    const name = packages[at]?.name ?? "";
    const bare = namesIn(step.capability);
    steps.unshift(bare.length === 1 && bare[0] === name ? name : `${name} (${step.capability})`);
    at = step.from;
  }
  return ["image", ...steps].join(" -> ");
}
