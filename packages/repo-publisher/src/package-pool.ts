import { linkSync, mkdirSync, statSync } from "node:fs";
import { readdir, readlink, rename, rm } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { isMissingFile, sha256File, type Store, uniqueName } from "@cleanroom/core";
import { type Generation, repositoryFolder } from "./generation.ts";
import type { PackageChunk } from "./package-chunk.ts";
import type { PublishedPackage } from "./published-package.ts";

/**
 * All packages of a repository's generations lie in one folder, each once, as hard links to the
 * store's blobs; a generation has a link to that folder. So a generation costs what its metadata
 * costs, and not one link for each of its packages.
 */
export const poolName = "Packages";

/** What a generation's `Packages` leads to. */
export const poolLink = path.join("..", "..", poolName);

/** Whether a generation's packages are in the pool; those of an older kind have a folder of their own. */
export async function usesPool(generation: Generation | undefined): Promise<boolean> {
  if (generation === undefined) return false;
  try {
    return (await readlink(path.join(generation.folder, poolName))) === poolLink;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EINVAL: something else than a link.
    if (isMissingFile(error) || code === "EINVAL") return false;
    throw error;
  }
}

/**
 * Puts packages into the pool, as far as they are not there.
 *
 * @throws CleanroomError `blob-missing`
 */
export async function addToPool(
  store: Store,
  repository: string,
  packages: readonly PublishedPackage[],
): Promise<void> {
  const folder = repositoryFolder(store, repository);
  for (const subfolder of new Set(packages.map(({ location }) => path.dirname(location)))) {
    mkdirSync(path.join(folder, subfolder), { recursive: true });
  }
  for (const { location, sha256 } of packages) {
    // Synchronous: there may be as many links as packages, and handing each to another thread
    // costs several times the link.
    const target = `${folder}/${location}`;
    if (linked(store.blobPath(sha256), target) || (await holds(target, sha256))) continue;
    await copyToPool(store, sha256, target);
  }
}

/** {@link addToPool} for very many packages: whoever else has something to do does it meanwhile. */
export async function addChunksToPool(
  store: Store,
  repository: string,
  chunks: Iterable<PackageChunk>,
): Promise<void> {
  for (const chunk of chunks) {
    await addToPool(store, repository, chunk.packages());
    await setImmediate();
  }
}

/** False where there is no blob, where it cannot be linked to, and where something else is there. */
function linked(blob: string, target: string): boolean {
  try {
    linkSync(blob, target);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return statSync(target).ino === statSync(blob).ino;
    if (isMissingFile(error) || ["EXDEV", "EMLINK", "EPERM"].includes(code)) return false;
    throw error;
  }
}

/** Whether a file is there with these bytes, whatever became of the blob. */
async function holds(file: string, sha256: string): Promise<boolean> {
  try {
    return (await sha256File(file)) === sha256;
  } catch (error) {
    if (isMissingFile(error)) return false;
    throw error;
  }
}

/** In one step: nobody sees a part of it. */
async function copyToPool(store: Store, sha256: string, target: string): Promise<void> {
  const temporary = store.path("tmp", uniqueName("package"));
  try {
    await store.materialize(sha256, temporary);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes from the pool what no generation has. */
export async function prunePool(
  store: Store,
  repository: string,
  kept: Iterable<PublishedPackage>,
): Promise<void> {
  const folder = repositoryFolder(store, repository);
  const locations = new Set<string>();
  for (const { location } of kept) locations.add(path.join(folder, location));
  let entries;
  try {
    entries = await readdir(path.join(folder, poolName), { recursive: true, withFileTypes: true });
  } catch (error) {
    if (isMissingFile(error)) return;
    throw error;
  }
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !locations.has(file)) await rm(file, { force: true });
  }
}
