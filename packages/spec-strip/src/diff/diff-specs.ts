import {
  dependencyKinds,
  type SourcePackage,
  type SpecFileEntry,
  type SpecPackage,
  type SpecScriptlet,
  type SpecTrigger,
} from "rpm-parser";

/** One difference in what two specs mean. */
export interface SpecChange {
  /** The package it is about; undefined for the source package. */
  readonly packageName: string | undefined;
  /** `version`, `buildRequires`, `requires`, `files`, `%build`, `package` ... */
  readonly subject: string;
  /** Undefined for what only the second has. */
  readonly before: string | undefined;
  /** Undefined for what only the first has. */
  readonly after: string | undefined;
}

/** Values that a spec or package has one of, and those that it has any number of. */
interface Facts {
  readonly values: Readonly<Record<string, string | number | null>>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/**
 * What changed between two evaluated specs: not their text but what it comes to. Build scripts and
 * scriptlets are compared line by line, everything else item by item; order does not count.
 */
export function diffSpecs(first: SourcePackage, second: SourcePackage): SpecChange[] {
  const before = byName(first);
  const after = byName(second);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return [
    ...diffFacts(undefined, sourceFacts(first), sourceFacts(second)),
    ...names.flatMap((name): SpecChange[] => {
      const one = before.get(name);
      const other = after.get(name);
      if (one !== undefined && other !== undefined) {
        return diffFacts(name, packageFacts(one), packageFacts(other));
      }
      const change = { packageName: name, subject: "package" };
      return [{ ...change, before: one && name, after: other && name }];
    }),
  ];
}

function byName({ packages }: SourcePackage): Map<string, SpecPackage> {
  return new Map(packages.map((one) => [one.name, one]));
}

function sourceFacts(source: SourcePackage): Facts {
  const { name, epoch, version, release, summary, license, url } = source;
  return {
    values: { name, epoch, version, release, summary, license, url },
    lists: {
      conditions: source.buildConditions.map(
        (one) => `${one.name} ${one.isEnabled ? "on" : "off"}`,
      ),
      buildRequires: source.buildRequires.map(({ text }) => text),
      buildConflicts: source.buildConflicts.map(({ text }) => text),
      sources: source.sources.map(({ text }) => text),
      patches: source.patches.map(({ text }) => text),
      ...Object.fromEntries(
        Object.entries(source.buildScripts).map(([script, body]) => [`%${script}`, linesOf(body)]),
      ),
    },
  };
}

function packageFacts(one: SpecPackage): Facts {
  const { epoch, version, release, arch, summary, license, description } = one;
  return {
    values: { epoch, version, release, arch, summary, license, description },
    lists: {
      ...Object.fromEntries(
        dependencyKinds.map((kind) => [
          kind,
          one[kind].map(({ text, qualifiers }) =>
            qualifiers.length === 0 ? text : `${text} (${qualifiers.join(",")})`,
          ),
        ]),
      ),
      files: [
        ...(one.files ?? []).map((entry) => describeFile(entry)),
        ...one.fileLists.map((list) => `-f ${list}`),
      ],
      ...Object.fromEntries(
        [...one.scriptlets, ...one.triggers].map((scriptlet) => [
          `%${scriptlet.kind}`,
          scriptLines(scriptlet),
        ]),
      ),
    },
  };
}

function describeFile({ path, directives, mode, user, group }: SpecFileEntry): string {
  const attributes = [mode, user, group].some((one) => one !== undefined)
    ? [`%attr(${[mode, user, group].map((one) => one ?? "-").join(",")})`]
    : [];
  return [...directives.map((one) => `%${one}`), ...attributes, path].join(" ");
}

function scriptLines(scriptlet: SpecScriptlet | SpecTrigger): string[] {
  return [`-p ${scriptlet.interpreter.join(" ")}`, ...linesOf(scriptlet.body)];
}

/** Lines of the shell, joined where a backslash joins them, white space put aside. */
function linesOf(script: string): string[] {
  return script
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.trim().replaceAll(/\s+/g, " "))
    .filter((line) => line !== "" && !line.startsWith("#"));
}

function diffFacts(packageName: string | undefined, before: Facts, after: Facts): SpecChange[] {
  const changes: SpecChange[] = [];
  for (const [subject, value] of Object.entries(before.values)) {
    const other = after.values[subject] ?? null;
    if (value === other) continue;
    changes.push({ packageName, subject, before: text(value), after: text(other) });
  }
  const subjects = new Set([...Object.keys(before.lists), ...Object.keys(after.lists)]);
  for (const subject of subjects) {
    const olds = before.lists[subject] ?? [];
    const news = after.lists[subject] ?? [];
    for (const one of without(olds, news)) {
      changes.push({ packageName, subject, before: one, after: undefined });
    }
    for (const one of without(news, olds)) {
      changes.push({ packageName, subject, before: undefined, after: one });
    }
  }
  return changes;
}

function text(value: string | number | null): string | undefined {
  return value === null ? undefined : String(value);
}

/** The items of one list beyond those of another, each as often as it is there. */
function without(list: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const one of others) left.set(one, (left.get(one) ?? 0) + 1);
  return list.filter((one) => {
    const count = left.get(one) ?? 0;
    left.set(one, count - 1);
    return count <= 0;
  });
}
