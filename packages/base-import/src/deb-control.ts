/** One field of a Debian control file by its name in lower case. */
export type ControlFields = ReadonlyMap<string, string>;

/**
 * Reads the first paragraph of a Debian control file; continuation lines are joined with `\n`.
 * Debian Policy 5.1.
 */
export function parseControl(text: string): ControlFields {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      if (fields.size > 0) break;
      continue;
    }
    if (/^[ \t]/.test(line)) {
      if (current !== undefined) {
        fields.set(current, `${fields.get(current) ?? ""}\n${line.slice(1).trimEnd()}`);
      }
      continue;
    }
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    current = line.slice(0, colon).toLowerCase();
    fields.set(current, line.slice(colon + 1).trim());
  }
  return fields;
}

/** `<<`, `<=`, `=`, `>=` or `>>` and a version, Debian Policy 7.1. */
export interface DebRelation {
  readonly name: string;
  readonly operator?: string;
  readonly version?: string;
}

/** A relationship field: all of the groups, any one of each group. */
export function parseRelations(field: string | undefined): DebRelation[][] {
  return (field ?? "")
    .split(",")
    .map((group) =>
      group.split("|").flatMap((text): DebRelation[] => {
        const match =
          /^\s*([a-zA-Z0-9][a-zA-Z0-9+.-]*)(?::\w+)?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([^)\s]+)\s*\))?/.exec(
            text,
          );
        const [, name, operator, version] = match ?? [];
        if (name === undefined) return [];
        return [
          operator === undefined || version === undefined ? { name } : { name, operator, version },
        ];
      }),
    )
    .filter((group) => group.length > 0);
}

export interface RpmVersion {
  readonly epoch: string | undefined;
  readonly version: string;
  readonly release: string;
}

/**
 * A Debian version as RPM's epoch, version and release. The upstream part may hold hyphens, which
 * RPM does not allow: they become dots, here and in every relation alike. A native package has no
 * revision; its release is 0.
 */
export function rpmVersionOf(debVersion: string): RpmVersion {
  const { epoch, upstream, revision } = splitVersion(debVersion);
  return { epoch, version: upstream, release: revision ?? "0" };
}

function splitVersion(text: string): {
  epoch: string | undefined;
  upstream: string;
  revision: string | undefined;
} {
  const colon = text.indexOf(":");
  const epoch = colon < 0 ? undefined : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const hyphen = rest.lastIndexOf("-");
  const upstream = (hyphen < 0 ? rest : rest.slice(0, hyphen))
    .replaceAll("-", ".")
    .replaceAll(":", ".");
  return {
    epoch: epoch === "0" ? undefined : epoch,
    upstream,
    revision: hyphen < 0 ? undefined : rest.slice(hyphen + 1),
  };
}

/**
 * A relation as an RPM capability. A strict relation without a revision means more in Debian:
 * 2.41-12 is greater than 2.41 there, while RPM compares a missing release as equal.
 */
export function capabilityOf({ name, operator, version }: DebRelation): string {
  if (operator === undefined || version === undefined) return name;
  const { epoch, upstream, revision } = splitVersion(version);
  const evr = `${epoch === undefined ? "" : `${epoch}:`}${upstream}${revision === undefined ? "" : `-${revision}`}`;
  const withRevision: Record<string, string> = {
    "<<": "<",
    "<": "<=",
    "<=": "<=",
    "=": "=",
    ">=": ">=",
    ">": ">=",
    ">>": ">",
  };
  const withoutRevision: Record<string, string> = {
    ...withRevision,
    ">>": ">=",
    "<=": "<",
    "<": "<",
  };
  const table = revision === undefined ? withoutRevision : withRevision;
  return `${name} ${table[operator] ?? "="} ${evr}`;
}

/** A group of alternatives as one RPM dependency: `a | b` is the rich `(a or b)`. */
export function dependencyOf(group: readonly DebRelation[]): string {
  const capabilities = [...new Set(group.map(capabilityOf))];
  return capabilities.length === 1 ? (capabilities[0] ?? "") : `(${capabilities.join(" or ")})`;
}
