import type { HeaderTrigger, RpmHeader } from "rpm-parser";

/** What of a header says whether scriptlets run for it, or need it. */
export type ScriptedHeader = Pick<
  RpmHeader,
  "name" | "provides" | "requires" | "files" | "scriptlets" | "triggers"
>;

/** Scriptlets that an installation into an empty root runs. */
const installScriptlets = ["pretrans", "pre", "post", "posttrans"] as const;

/**
 * Which packages of a closure take part in what happens while it is installed: those with scriptlets or
 * triggers, those whose names or files triggers watch, and all that these need. The others are inert:
 * rpm promises no scriptlet that they are there when it runs, and none runs because of them.
 *
 * @returns for each header, in order
 */
export function activePackages(headers: readonly ScriptedHeader[]): readonly boolean[] {
  const triggers = headers.flatMap((header) =>
    header.triggers.filter(({ event }) => event === "in" || event === "prein"),
  );
  const watch = watcher(triggers);
  const capabilities = indexBy(headers, ({ provides }) => provides.map(({ name }) => name));
  // Most files are asked for by nobody: their thousands are looked at where one is.
  let files: Index | undefined;
  const filesOf = (path: string): readonly number[] => {
    files ??= indexBy(headers, (header) => header.files.map((file) => file.path));
    return files.get(path) ?? [];
  };
  const providersOf = (name: string): readonly number[] =>
    capabilities.get(name) ?? (name.startsWith("/") ? filesOf(name) : []);
  const active = headers.map(() => false);
  const pending = headers.flatMap((header, index) =>
    hasScripts(header) || watch(header) ? [index] : [],
  );
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const header = headers[index];
    if (active[index] === true || header === undefined) continue;
    active[index] = true;
    for (const name of needsOf(header)) pending.push(...providersOf(name));
  }
  return active;
}

type Index = ReadonlyMap<string, readonly number[]>;

/** Indexes of headers by names that each has. */
function indexBy(
  headers: readonly ScriptedHeader[],
  namesOf: (header: ScriptedHeader) => readonly string[],
): Index {
  const index = new Map<string, number[]>();
  for (const [at, header] of headers.entries()) {
    for (const name of namesOf(header)) {
      const known = index.get(name);
      if (known === undefined) index.set(name, [at]);
      else known.push(at);
    }
  }
  return index;
}

function hasScripts({ scriptlets, triggers }: ScriptedHeader): boolean {
  return triggers.length > 0 || installScriptlets.some((kind) => scriptlets[kind] !== undefined);
}

function watcher(triggers: readonly HeaderTrigger[]): (header: ScriptedHeader) => boolean {
  const names = new Set<string>();
  const prefixes = new Set<string>();
  for (const { family, conditions } of triggers) {
    for (const { name } of conditions) (family === "package" ? names : prefixes).add(name);
  }
  const starts = [...prefixes];
  return ({ name, provides, files }) =>
    names.has(name) ||
    provides.some((capability) => names.has(capability.name)) ||
    files.some(({ path }) => starts.some((prefix) => path.startsWith(prefix)));
}

/** Names that a package asks for; of a rich dependency (`(a if b)`) each. */
function needsOf({ requires, scriptlets }: ScriptedHeader): string[] {
  return [
    ...requires.flatMap(({ name }) =>
      name.startsWith("(") ? name.split(/[\s()]+/).filter((word) => word !== "") : [name],
    ),
    ...Object.values(scriptlets).flatMap(({ interpreter }) => interpreter.slice(0, 1)),
  ];
}
