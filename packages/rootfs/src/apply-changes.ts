import { chmod, lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { isMissingFile } from "@cleanroom/core";

/**
 * Moves what an overlay took (its upper folder) over the tree below it. Files of the tree are
 * replaced, never written: they may have other names elsewhere.
 *
 * @param opaque folders, below the tree, that replaced the ones in it (overlayfs's `opaque`)
 */
export async function applyChanges(
  changes: string,
  tree: string,
  opaque: readonly string[],
): Promise<void> {
  for (const folder of opaque) await rm(path.join(tree, folder), { recursive: true, force: true });
  await applyFolder(changes, tree);
}

async function applyFolder(changes: string, tree: string): Promise<void> {
  for (const entry of await readdir(changes, { withFileTypes: true })) {
    const from = path.join(changes, entry.name);
    const to = path.join(tree, entry.name);
    if (entry.isCharacterDevice()) {
      // A whiteout: what was removed. Nothing else makes devices here.
      await rm(to, { recursive: true, force: true });
    } else if (entry.isDirectory()) {
      await makeFolder(to, (await lstat(from)).mode & 0o7777);
      await applyFolder(from, to);
    } else {
      if (entry.isFile()) await sync(from);
      await rm(to, { recursive: true, force: true });
      await rename(from, to);
    }
  }
}

async function makeFolder(folder: string, mode: number): Promise<void> {
  const existing = await lstat(folder).catch((error: unknown) => {
    if (isMissingFile(error)) return undefined;
    throw error;
  });
  if (existing !== undefined && !existing.isDirectory()) await rm(folder);
  if (existing?.isDirectory() !== true) await mkdir(folder);
  if (existing === undefined || (existing.mode & 0o7777) !== mode) await chmod(folder, mode);
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
