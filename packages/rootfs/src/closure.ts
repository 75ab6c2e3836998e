import { type Sha256, sha256Json } from "@cleanroom/core";

/** A repository of RPMs that a closure can draw from. */
export interface Repository {
  /** Names it in closures and messages: letters, digits, `-` and `_`. */
  readonly id: string;
  /** A host folder that holds `repodata/`, or the repository's http(s) URL. */
  readonly location: { readonly folder: string } | { readonly url: string };
  /** As in dnf: of two repositories that supply a capability, the lower number wins. */
  readonly priority: number;
  /** Over the repository's whole state: the same digest promises the same packages. */
  readonly digest: string;
  /** It is made of the store's blobs, and made again when it is not there. */
  readonly isDerived?: boolean;
}

/** One package of a closure. */
export interface ClosurePackage {
  readonly name: string;
  readonly epoch: number;
  readonly version: string;
  readonly release: string;
  readonly arch: string;
  readonly sha256: Sha256;
  /** Bytes of the .rpm. */
  readonly sizeBytes: number;
  readonly repository: string;
  /** Below the repository's root. */
  readonly location: string;
  /** File name of the source RPM. */
  readonly sourceRpm: string;
}

/** A resolved set of RPMs, sorted by name, then NEVRA. */
export interface Closure {
  readonly packages: readonly ClosurePackage[];
  /** Over the packages' digests: what a root made of it depends on. */
  readonly digest: Sha256;
}

/** `name-[epoch:]version-release.arch` */
export function nevraOf(entry: ClosurePackage): string {
  const epoch = entry.epoch === 0 ? "" : `${entry.epoch}:`;
  return `${entry.name}-${epoch}${entry.version}-${entry.release}.${entry.arch}`;
}

export function closureOf(packages: readonly ClosurePackage[]): Closure {
  const sorted = packages
    .map((entry) => ({ entry, key: `${entry.name}\0${nevraOf(entry)}` }))
    .toSorted(({ key: a }, { key: b }) => (a < b ? -1 : a > b ? 1 : 0))
    .map(({ entry }) => entry);
  return {
    packages: sorted,
    digest: sha256Json(sorted.map(({ name, sha256 }) => [name, sha256])),
  };
}
