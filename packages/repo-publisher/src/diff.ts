import { compareText } from "./assemble.ts";
import type { Generation } from "./generation.ts";
import type { PublishedPackage } from "./published-package.ts";

/** How a package differs between two generations. */
export interface PackageChange {
  readonly name: string;
  readonly arch: string;
  /** NEVRA before; null for a package that was added. */
  readonly from: string | null;
  /** NEVRA after; null for a package that was removed. */
  readonly to: string | null;
  /** `rebuilt`: other bytes under the same NEVRA. */
  readonly kind: "added" | "removed" | "changed" | "rebuilt";
}

type Packages = Pick<Generation, "packages">;

/** What changed from one generation to another, by name. Equal packages are not mentioned. */
export function diffGenerations(before: Packages, after: Packages): readonly PackageChange[] {
  const olds = grouped(before.packages);
  const news = grouped(after.packages);
  const names = [...new Set([...olds.keys(), ...news.keys()])].toSorted(compareText);
  return names.flatMap((name) => diffOne(olds.get(name) ?? [], news.get(name) ?? []));
}

/** By name and arch; several versions of one package may stand side by side. */
function grouped(packages: readonly PublishedPackage[]): Map<string, PublishedPackage[]> {
  const groups = new Map<string, PublishedPackage[]>();
  for (const one of packages) {
    const key = `${one.name}\0${one.arch}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

function diffOne(
  before: readonly PublishedPackage[],
  after: readonly PublishedPackage[],
): PackageChange[] {
  const gone = before.filter((old) => !after.some((one) => one.sha256 === old.sha256));
  const come = after.filter((one) => !before.some((old) => old.sha256 === one.sha256));
  return Array.from({ length: Math.max(gone.length, come.length) }, (_, index) =>
    change(gone[index], come[index]),
  );
}

function change(
  before: PublishedPackage | undefined,
  after: PublishedPackage | undefined,
): PackageChange {
  const { name = "", arch = "" } = after ?? before ?? {};
  const [from, to] = [before?.nevra ?? null, after?.nevra ?? null];
  const kind =
    from === null ? "added" : to === null ? "removed" : from === to ? "rebuilt" : "changed";
  return { name, arch, from, to, kind };
}
