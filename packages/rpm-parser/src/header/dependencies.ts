import { type HeaderBlob, invalid } from "./header-blob.ts";
import { dependencyTags } from "./tag-table.ts";

/** rpm's `RPMSENSE_*` bits (rpm's `include/rpm/rpmds.h`). */
export const senseBits = {
  less: 1 << 1,
  greater: 1 << 2,
  equal: 1 << 3,
  prereq: 1 << 6,
  interp: 1 << 8,
  pre: 1 << 9,
  post: 1 << 10,
  preun: 1 << 11,
  postun: 1 << 12,
  verify: 1 << 13,
  findRequires: 1 << 14,
  findProvides: 1 << 15,
  triggerin: 1 << 16,
  triggerun: 1 << 17,
  triggerpostun: 1 << 18,
  missingok: 1 << 19,
  preuntrans: 1 << 20,
  postuntrans: 1 << 21,
  pretrans: 1 << 7,
  posttrans: 1 << 5,
  rpmlib: 1 << 24,
  triggerprein: 1 << 25,
  keyring: 1 << 26,
  config: 1 << 28,
  meta: 1 << 29,
} as const;

/** A dependency's flags in a header, from its operator and the names of its qualifiers. */
export function senseFlags(operator: string | undefined, qualifiers: readonly string[]): number {
  let flags = 0;
  if (operator?.includes("<") === true) flags |= senseBits.less;
  if (operator?.includes(">") === true) flags |= senseBits.greater;
  if (operator?.includes("=") === true) flags |= senseBits.equal;
  const bits: Readonly<Record<string, number>> = senseBits;
  for (const name of qualifiers) flags |= bits[name] ?? 0;
  return flags;
}

/** The kinds of dependencies a package header holds. */
export type HeaderDependencyKind = keyof typeof dependencyTags;

/** One dependency as the header holds it. */
export interface HeaderDependency {
  /** The capability's name; a rich dependency's whole text in parentheses. */
  readonly name: string;
  /** Absent for an unversioned dependency. */
  readonly operator?: "<" | "<=" | "=" | ">=" | ">";
  /** `[epoch:]version[-release]`; absent with the operator. */
  readonly evr?: string;
  /** All of rpm's flag bits; see {@link senseBits}. */
  readonly flags: number;
  /** As rpm prints it: `name`, or `name operator evr`. */
  readonly text: string;
  /** Meaningful bits by name, without the comparison: `pre`, `post`, `interp`, `rpmlib`, `meta` ... */
  readonly qualifiers: readonly string[];
}

const qualifierNames = [
  "prereq",
  "interp",
  "pre",
  "post",
  "preun",
  "postun",
  "verify",
  "missingok",
  "pretrans",
  "posttrans",
  "preuntrans",
  "postuntrans",
  "rpmlib",
  "config",
  "meta",
] as const satisfies readonly (keyof typeof senseBits)[];

/** All dependencies of one kind, in header order. */
export function readDependencies(
  header: HeaderBlob,
  kind: HeaderDependencyKind,
): readonly HeaderDependency[] {
  const [nameTag, flagsTag, versionTag] = dependencyTags[kind];
  const names = header.strings(nameTag);
  const flags = header.integers(flagsTag);
  const versions = header.strings(versionTag);
  // Packages of rpm 3 left flags and versions out altogether.
  if (
    (flags.length !== 0 && flags.length !== names.length) ||
    (versions.length !== 0 && versions.length !== names.length)
  ) {
    throw invalid("the main header", `its ${kind} tags differ in length`);
  }
  return names.map((name, index) =>
    headerDependency(name, flags[index] ?? 0, versions[index] ?? ""),
  );
}

export function headerDependency(name: string, flags: number, version: string): HeaderDependency {
  const operator = operatorOf(flags);
  const qualifiers = qualifiersOf(flags);
  if (operator === undefined || version === "") return { name, flags, text: name, qualifiers };
  return {
    name,
    operator,
    evr: version,
    flags,
    text: `${name} ${operator} ${version}`,
    qualifiers,
  };
}

const qualifierLists = new Map<number, readonly string[]>();

/** Dependencies share few combinations of flags, so each list is made once. */
function qualifiersOf(flags: number): readonly string[] {
  const known = qualifierLists.get(flags);
  if (known !== undefined) return known;
  const names = qualifierNames.filter((qualifier) => (flags & senseBits[qualifier]) !== 0);
  // A forged header must not grow the shared table.
  if (qualifierLists.size < 256) qualifierLists.set(flags, names);
  return names;
}

function operatorOf(flags: number): HeaderDependency["operator"] {
  const equal = (flags & senseBits.equal) !== 0;
  if ((flags & senseBits.less) !== 0) return equal ? "<=" : "<";
  if ((flags & senseBits.greater) !== 0) return equal ? ">=" : ">";
  return equal ? "=" : undefined;
}
