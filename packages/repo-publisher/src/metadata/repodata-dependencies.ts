import { type HeaderDependency, senseBits } from "rpm-parser";
import type { PackageHeader, PackageHeaderFile } from "./package-header.ts";

/** One `rpm:entry` of primary.xml. */
export interface RepodataDependency {
  readonly name: string;
  readonly flags: "LT" | "LE" | "EQ" | "GE" | "GT" | undefined;
  readonly epoch: string | undefined;
  readonly version: string | undefined;
  readonly release: string | undefined;
  /** Needed before the package's own scriptlets run. */
  readonly pre: boolean;
}

const flagNames = { "<": "LT", "<=": "LE", "=": "EQ", ">=": "GE", ">": "GT" } as const;

const preBits =
  senseBits.prereq | senseBits.pre | senseBits.post | senseBits.posttrans | senseBits.pretrans;

/** One dependency of any kind, its EVR in parts. */
export function repodataDependency(dependency: HeaderDependency): RepodataDependency {
  const pre = (dependency.flags & preBits) !== 0;
  const { name, operator, evr } = dependency;
  if (operator === undefined || evr === undefined) {
    return {
      name,
      flags: undefined,
      epoch: undefined,
      version: undefined,
      release: undefined,
      pre,
    };
  }
  const colon = evr.indexOf(":");
  const hyphen = evr.indexOf("-", colon + 1);
  const version = evr.slice(colon + 1, hyphen === -1 ? undefined : hyphen);
  const release = hyphen === -1 ? "" : evr.slice(hyphen + 1);
  return {
    name,
    flags: flagNames[operator],
    epoch: colon > 0 ? evr.slice(0, colon) : "0",
    version: version === "" ? undefined : version,
    release: release === "" ? undefined : release,
    pre,
  };
}

/**
 * The requirements that repodata lists. The rules are createrepo_c's (`src/parsehdr.c`), which
 * every client's solver is used to: no `rpmlib()`, nothing the package meets itself, nothing
 * twice, and of the C library's symbol versions the highest alone.
 *
 * @param primaryFiles the package's files that primary.xml lists
 */
export function repodataRequires(
  { requires, provides }: Pick<PackageHeader["dependencies"], "requires" | "provides">,
  primaryFiles: readonly Pick<PackageHeaderFile, "path">[],
): RepodataDependency[] {
  const ownPaths = new Set(primaryFiles.map((file) => file.path));
  const provided = new Set(provides.map((one) => one.text));
  const seen = new Map<string, { readonly text: string; readonly pre: boolean }>();
  const kept: RepodataDependency[] = [];
  let libc: HeaderDependency | undefined;
  for (const dependency of requires) {
    const { name, text } = dependency;
    if (name.startsWith("rpmlib(") || ownPaths.has(name) || provided.has(text)) continue;
    const entry = repodataDependency(dependency);
    const same = seen.get(name);
    if (same?.text === text && same.pre === entry.pre) continue;
    if (name.startsWith("libc.so.6")) {
      if (libc === undefined || compareSymbolVersions(libc.name, name) < 0) libc = dependency;
      continue;
    }
    seen.set(name, { text, pre: entry.pre });
    kept.push(entry);
  }
  if (libc !== undefined) kept.push(repodataDependency(libc));
  return kept;
}

/** Paths that primary.xml lists, because packages require files by them. */
export function isPrimaryPath(path: string): boolean {
  return path.startsWith("/etc/") || path === "/usr/lib/sendmail" || path.includes("bin/");
}

/** `libc.so.6(GLIBC_2.4)` is above `libc.so.6(GLIBC_2.3.4)` and above `libc.so.6()`. */
function compareSymbolVersions(a: string, b: string): number {
  const [left, right] = [symbolVersion(a), symbolVersion(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? -1) - (right[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

function symbolVersion(name: string): number[] {
  const digits = /\([^)]*?(\d[\d.]*)[^)]*\)/.exec(name.slice(0, name.indexOf(")") + 1))?.[1];
  return digits === undefined ? [] : digits.split(".").map(Number);
}
