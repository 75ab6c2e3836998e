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
  const providers = new Map<string, number[]>();
  const provide = (name: string, index: number): void => {
    const known = providers.get(name);
    if (known === undefined) providers.set(name, [index]);
    else known.push(index);
  };
  for (const [index, { name, provides, files }] of headers.entries()) {
    provide(name, index);
    for (const capability of provides) provide(capability.name, index);
    for (const { path } of files) provide(path, index);
  }
  const active = headers.map(() => false);
  const pending = headers.flatMap((header, index) =>
    hasScripts(header) || watch(header) ? [index] : [],
  );
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    const header = headers[index];
    if (active[index] === true || header === undefined) continue;
    active[index] = true;
    for (const name of needsOf(header)) pending.push(...(providers.get(name) ?? []));
  }
  return active;
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
  return ({ name, provides, files }) =>
    names.has(name) ||
    provides.some((capability) => names.has(capability.name)) ||
    files.some(({ path }) => [...prefixes].some((prefix) => path.startsWith(prefix)));
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
