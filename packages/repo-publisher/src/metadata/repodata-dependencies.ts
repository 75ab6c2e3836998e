import { type HeaderDependency, senseBits } from "rpm-parser";
import type { PackageHeader } from "./package-header.ts";

/** One `rpm:entry` of primary.xml. */
export interface RepodataDependency {
  readonly name: string;
  readonly flags?: "LT" | "LE" | "EQ" | "GE" | "GT";
  readonly epoch?: string;
  readonly version?: string;
  readonly release?: string;
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
  if (operator === undefined || evr === undefined) return { name, pre };
  const colon = evr.indexOf(":");
  const epoch = colon > 0 ? evr.slice(0, colon) : "0";
  const [version = "", ...rest] = evr.slice(colon + 1).split("-");
  const release = rest.join("-");
  return {
    name,
    flags: flagNames[operator],
    epoch,
    ...(version === "" ? {} : { version }),
    ...(release === "" ? {} : { release }),
    pre,
  };
}

/**
 * The requirements that repodata lists. The rules are createrepo_c's (`src/parsehdr.c`), which
 * every client's solver is used to: no `rpmlib()`, nothing the package meets itself, nothing
 * twice, and of the C library's symbol versions the highest alone.
 */
export function repodataRequires({
  dependencies: { requires, provides },
  files,
}: Pick<PackageHeader, "dependencies" | "files">): RepodataDependency[] {
  const ownPaths = new Set(files.map((file) => file.path).filter(isPrimaryPath));
  const provided = new Set(provides.map((one) => one.text));
  const seen = new Map<string, string>();
  const kept: RepodataDependency[] = [];
  let libc: HeaderDependency | undefined;
  for (const dependency of requires) {
    const { name, text } = dependency;
    if (name.startsWith("rpmlib(") || ownPaths.has(name) || provided.has(text)) continue;
    const entry = repodataDependency(dependency);
    const identity = `${text} ${entry.pre}`;
    if (seen.get(name) === identity) continue;
    if (name.startsWith("libc.so.6")) {
      if (libc === undefined || compareSymbolVersions(libc.name, name) < 0) libc = dependency;
      continue;
    }
    seen.set(name, identity);
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
