import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import path from "node:path";
import type { CopiedFile } from "./link-tree.ts";

/**
 * Takes out of an overlay's upper folder what stands for something removed (overlayfs's whiteouts).
 *
 * @param opaque folders, below it, that replaced the ones beneath
 * @returns what was removed, below the root, before anything else changed
 */
export function takeWhiteouts(changes: string, opaque: readonly string[]): readonly string[] {
  const removed = [...opaque];
  const visit = (inside: string): void => {
    for (const entry of readdirSync(path.join(changes, inside), { withFileTypes: true })) {
      const here = path.join(inside, entry.name);
      // Nothing else makes devices here.
      if (entry.isCharacterDevice()) {
        rmSync(path.join(changes, here));
        removed.push(here);
      } else if (entry.isDirectory()) visit(here);
    }
  };
  visit("");
  return removed.toSorted();
}

/**
 * Finds what scriptlets changed in a tree of copies, where there are no overlays: by kind, mode, size and
 * time, as rpm does. What is new or changed is moved to `changes`.
 *
 * @param copied the tree as it was, by path
 * @returns what was removed, below the tree
 */
export function findChanges(
  tree: string,
  copied: ReadonlyMap<string, CopiedFile>,
  changes: string,
): readonly string[] {
  const left = new Set(copied.keys());
  const visit = (inside: string): void => {
    for (const entry of readdirSync(path.join(tree, inside), { withFileTypes: true })) {
      const here = path.join(inside, entry.name);
      const before = copied.get(here);
      left.delete(here);
      if (entry.isDirectory()) {
        const mode = lstatSync(path.join(tree, here)).mode & 0o7777;
        if (before?.mode !== mode) makeFolders(tree, changes, here);
        visit(here);
      } else if (before === undefined || !isSame(path.join(tree, here), before)) {
        makeFolders(tree, changes, inside);
        renameSync(path.join(tree, here), path.join(changes, here));
      }
    }
  };
  visit("");
  return [...left].toSorted();
}

function isSame(file: string, before: CopiedFile): boolean {
  const entry = lstatSync(file);
  if (entry.isSymbolicLink()) return readlinkSync(file) === before.linkTarget;
  return (
    before.linkTarget === undefined &&
    (entry.mode & 0o7777) === before.mode &&
    entry.size === before.sizeBytes &&
    Math.floor(entry.mtimeMs / 1000) === before.mtimeSeconds
  );
}

/** A folder and its parents, with the modes that they have in the tree. */
function makeFolders(tree: string, changes: string, inside: string): void {
  const names = inside === "" ? [] : inside.split(path.sep);
  for (const index of names.keys()) {
    const here = names.slice(0, index + 1).join(path.sep);
    const folder = path.join(changes, here);
    if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) continue;
    mkdirSync(folder);
    chmodSync(folder, lstatSync(path.join(tree, here)).mode & 0o7777);
  }
}
