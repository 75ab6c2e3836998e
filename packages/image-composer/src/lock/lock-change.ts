import { type ImageLock, type LockedPackage, splitNevra } from "./lock-file.ts";
import { megabytes, megabytesMore } from "../sizes.ts";

/** What a new lock changes, compared with the one before. */
export interface LockChange {
  readonly lock: ImageLock;
  readonly changed: boolean;
  readonly added: readonly LockedPackage[];
  readonly removed: readonly LockedPackage[];
  readonly replaced: readonly { readonly before: LockedPackage; readonly after: LockedPackage }[];
  /** Sum over the packages. */
  readonly installedBytes: { readonly before: number; readonly after: number };
  /** The change in words and megabytes, one package a line, the total last. */
  readonly lines: readonly string[];
}

/** Compares two locks; `before` is undefined when there was none. */
export function lockChange(before: ImageLock | undefined, lock: ImageLock): LockChange {
  const old = new Map((before?.packages ?? []).map((entry) => [key(entry), entry]));
  const now = new Map(lock.packages.map((entry) => [key(entry), entry]));
  const added = lock.packages.filter((entry) => !old.has(key(entry)));
  const removed = (before?.packages ?? []).filter((entry) => !now.has(key(entry)));
  const replaced = lock.packages.flatMap((after) => {
    const earlier = old.get(key(after));
    return earlier === undefined || sameLine(earlier, after) ? [] : [{ before: earlier, after }];
  });
  const installedBytes = { before: sum(before?.packages ?? []), after: sum(lock.packages) };
  const sameRequest =
    before !== undefined &&
    before.arch === lock.arch &&
    before.requires.join("\n") === lock.requires.join("\n") &&
    JSON.stringify(before.layers) === JSON.stringify(lock.layers);
  const changed = !sameRequest || added.length + removed.length + replaced.length > 0;
  const total = `${lock.packages.length} packages, ${megabytes(installedBytes.after)} installed`;
  const lines = [
    ...added.map((entry) => `+ ${entry.nevra} (${entry.repository}): +${megabytes(entry.size)}`),
    ...replaced.map(replacedLine),
    ...removed.map((entry) => `- ${entry.nevra}: ${megabytesMore(-entry.size)}`),
    before === undefined || !changed
      ? total
      : `${total} (${megabytesMore(installedBytes.after - installedBytes.before)})`,
  ];
  return { lock, changed, added, removed, replaced, installedBytes, lines };
}

function key({ nevra }: LockedPackage): string {
  const { name, arch } = splitNevra(nevra);
  return `${name}.${arch}`;
}

function sum(packages: readonly LockedPackage[]): number {
  return packages.reduce((total, { size }) => total + size, 0);
}

function sameLine(a: LockedPackage, b: LockedPackage): boolean {
  return (
    a.nevra === b.nevra &&
    a.sha256 === b.sha256 &&
    a.size === b.size &&
    a.repository === b.repository &&
    a.source === b.source
  );
}

function replacedLine({ before, after }: { before: LockedPackage; after: LockedPackage }): string {
  const size = megabytesMore(after.size - before.size);
  const from = splitNevra(before.nevra).evr;
  const { name, evr } = splitNevra(after.nevra);
  const what =
    from === evr
      ? before.repository === after.repository
        ? `${evr}, built anew`
        : `${evr}, from ${after.repository} instead of ${before.repository}`
      : `${from} -> ${evr}`;
  return `~ ${name} ${what}: ${size}`;
}
