import { type HeaderDependency, headerDependency, senseBits } from "./dependencies.ts";
import { type HeaderBlob, invalid } from "./header-blob.ts";
import { scriptletTags, triggerTags } from "./tag-table.ts";

export type HeaderScriptletKind = keyof typeof scriptletTags;

/** A scriptlet or the body of a trigger. */
export interface HeaderScriptlet {
  /** `["/bin/sh"]`, `["<lua>"]`, or a program with arguments. */
  readonly interpreter: readonly string[];
  /** Absent when only an interpreter is to be run (`%post -p /sbin/ldconfig`). */
  readonly body?: string;
  /** `RPMSCRIPT_FLAG_*`: 1 expands macros, 2 expands a query format, 4 makes failure fatal. */
  readonly flags: number;
}

/** When a trigger runs. */
export type TriggerEvent = "prein" | "in" | "un" | "postun";

export interface HeaderTrigger extends HeaderScriptlet {
  /** Package triggers watch packages, the others watch paths. */
  readonly family: "package" | "file" | "transaction";
  readonly event: TriggerEvent;
  /** Package names with versions, or path prefixes. */
  readonly conditions: readonly HeaderDependency[];
  /** File triggers only; a higher number runs earlier. rpm's default is 1000000. */
  readonly priority?: number;
}

/** The scriptlets a header holds, by kind. */
export function readScriptlets(
  header: HeaderBlob,
): Readonly<Partial<Record<HeaderScriptletKind, HeaderScriptlet>>> {
  const scriptlets: Partial<Record<HeaderScriptletKind, HeaderScriptlet>> = {};
  for (const kind of Object.keys(scriptletTags) as HeaderScriptletKind[]) {
    const [bodyTag, interpreterTag, flagsTag] = scriptletTags[kind];
    const body = header.string(bodyTag);
    const interpreter = header.strings(interpreterTag);
    if (body === undefined && interpreter.length === 0) continue;
    scriptlets[kind] = {
      interpreter: interpreter.length === 0 ? ["/bin/sh"] : interpreter,
      ...(body === undefined ? {} : { body }),
      flags: header.integer(flagsTag) ?? 0,
    };
  }
  return scriptlets;
}

/** All triggers: package triggers, then file triggers, then transaction file triggers. */
export function readTriggers(header: HeaderBlob): readonly HeaderTrigger[] {
  return (["package", "file", "transaction"] as const).flatMap((family) =>
    readFamily(header, family),
  );
}

function readFamily(header: HeaderBlob, family: HeaderTrigger["family"]): HeaderTrigger[] {
  const tags = triggerTags[family];
  const bodies = header.strings(tags.scripts);
  const interpreters = header.strings(tags.interpreters);
  const flags = header.integers(tags.flags);
  const names = header.strings(tags.names);
  const versions = header.strings(tags.versions);
  const senses = header.integers(tags.senses);
  const indexes = header.integers(tags.indexes);
  const priorities = tags.priorities === undefined ? [] : header.integers(tags.priorities);
  const conditions = new Map<number, HeaderDependency[]>();
  for (const [at, name] of names.entries()) {
    const index = indexes[at] ?? -1;
    if (index < 0 || index >= Math.max(bodies.length, interpreters.length)) {
      throw invalid("the main header", `a ${family} trigger has no script`);
    }
    const list = conditions.get(index) ?? [];
    list.push(headerDependency(name, senses[at] ?? 0, versions[at] ?? ""));
    conditions.set(index, list);
  }
  return [...conditions.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([index, list]) => ({
      family,
      event: eventOf(list[0]?.flags ?? 0),
      interpreter: [interpreters[index] ?? "/bin/sh"],
      ...(bodies[index] === undefined || bodies[index] === "" ? {} : { body: bodies[index] }),
      flags: flags[index] ?? 0,
      conditions: list,
      ...(priorities[index] === undefined ? {} : { priority: priorities[index] }),
    }));
}

function eventOf(flags: number): TriggerEvent {
  if ((flags & senseBits.triggerprein) !== 0) return "prein";
  if ((flags & senseBits.triggerin) !== 0) return "in";
  return (flags & senseBits.triggerun) !== 0 ? "un" : "postun";
}
