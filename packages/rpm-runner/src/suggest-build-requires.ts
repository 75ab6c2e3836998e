import { closureOf, providersByName, providersOf } from "./package-graph.ts";
import type { Suggestion } from "./suggest.ts";

/** A package of a build root. */
export interface RootPackage {
  readonly name: string;
  readonly installedBytes: number;
  /** Names of the capabilities that it provides, and the paths of its files. */
  readonly provides: readonly string[];
  /** Its dependencies, as rpm writes them. */
  readonly requires: readonly string[];
  /** Where its regular files are in the root, whatever links the package names them through. */
  readonly files: readonly string[];
}

/** A build, with what it had and what it looked at. */
export interface BuildTrace {
  /** The spec's Name. */
  readonly name: string;
  readonly buildRequires: readonly string[];
  /** What every build root holds, whatever its spec asks for. */
  readonly always: readonly string[];
  readonly packages: readonly RootPackage[];
  /** Files of the root that were opened. */
  readonly opened: ReadonlySet<string>;
  /** Names of the capabilities that the built packages require. */
  readonly needed: ReadonlySet<string>;
}

/** BuildRequires that the same packages fulfil: only together can they be dropped. */
interface Group {
  readonly dependencies: string[];
  readonly targets: ReadonlySet<RootPackage>;
}

/**
 * BuildRequires that a build had no use for, with what the build root would be spared: those of
 * whose packages no file was opened, nor of any package that would leave with them; and those of
 * which pkg-config alone read something, and nothing that was built needs their libraries.
 */
export function suggestBuildRequires(trace: BuildTrace): Suggestion[] {
  const { name, always, packages } = trace;
  const index = providersByName(packages);
  const requiresOf = ({ requires }: RootPackage): readonly string[] => requires;
  const basic = closureOf(always, index, requiresOf);
  const all = closureOf([...always, ...trace.buildRequires], index, requiresOf);
  return groupsOf(trace.buildRequires, (dependency) => providersOf(dependency, index))
    .filter(({ targets }) => targets.size > 0 && [...targets].some((one) => !basic.has(one)))
    .flatMap(({ dependencies, targets }): Suggestion[] => {
      const others = trace.buildRequires.filter((one) => !dependencies.includes(one));
      const without = closureOf([...always, ...others], index, requiresOf);
      const leaving = [...all].filter((one) => !without.has(one));
      const why = uselessness(trace, [...targets], leaving);
      if (why === undefined) return [];
      return [
        {
          kind: "buildRequires",
          packageName: name,
          dependency: dependencies.join(", "),
          sparedBytes: leaving.reduce((sum, one) => sum + one.installedBytes, 0),
          sparedFrom: "build root",
          why,
        },
      ];
    })
    .toSorted((a, b) => b.sparedBytes - a.sparedBytes);
}

function groupsOf(
  buildRequires: readonly string[],
  providers: (dependency: string) => readonly RootPackage[],
): Group[] {
  const groups = new Map<string, Group>();
  for (const dependency of buildRequires) {
    const targets = new Set(providers(dependency));
    const key = [...targets]
      .map((one) => one.name)
      .toSorted()
      .join(" ");
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { dependencies: [dependency], targets });
    else known.dependencies.push(dependency);
  }
  return [...groups.values()];
}

/** Descriptions that pkg-config reads, and hardly anything else. */
const pkgconfigFile = /\/pkgconfig\/[^/]+\.pc$/;

/** Why a build did not need some packages; undefined when it did. */
function uselessness(
  { opened, needed }: BuildTrace,
  targets: readonly RootPackage[],
  leaving: readonly RootPackage[],
): string | undefined {
  const looked = [...new Set([...targets, ...leaving])];
  const seen = looked.flatMap(({ files }) => files.filter((file) => opened.has(file)));
  const names = looked.map((one) => one.name).join(", ");
  if (seen.length === 0) return `never opened: no process opened a file of ${names}`;
  if (!seen.every((file) => pkgconfigFile.test(file))) return undefined;
  // A linker finds a library by a link, which is nothing that is opened: what came out tells.
  const isLinked = targets.some(({ requires }) =>
    requires.some((one) => one.includes(".so") && needed.has(one)),
  );
  if (isLinked) return undefined;
  return `opened only by pkg-config: of ${names} nothing but ${baseNames(seen)}, and nothing that was built needs their libraries`;
}

function baseNames(paths: readonly string[]): string {
  return paths.map((path) => path.slice(path.lastIndexOf("/") + 1)).join(", ");
}
