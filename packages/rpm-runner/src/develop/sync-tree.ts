import { lstat, mkdir, readdir, readlink, rename, rm, utimes } from "node:fs/promises";
import path from "node:path";
import { sha256File } from "@cleanroom/core";

/** What a folder tree holds: each path below it with its kind, mode and content. */
export type TreeManifest = Readonly<Record<string, string>>;

/**
 * Brings what changed in a source tree since the last time into a folder where it is compiled.
 * Judged by content, never by time: what did not change keeps its time there, even where the build
 * has written to it, and what did gets the time of now, so that `make` and its kin compile exactly
 * that anew. What the build made beside it stays.
 *
 * @param from is used up
 * @param before what the last call returned; empty at first, and then all times are taken over
 */
export async function syncTree(
  from: string,
  to: string,
  before: TreeManifest,
): Promise<TreeManifest> {
  const now = await describeTree(from);
  for (const name of Object.keys(before).filter((one) => now[one] === undefined)) {
    await rm(path.join(to, name), { recursive: true, force: true });
  }
  const isFirst = Object.keys(before).length === 0;
  const time = new Date();
  for (const [name, what] of Object.entries(now)) {
    if (before[name] === what) continue;
    const target = path.join(to, name);
    if (what === folder) {
      if ((await kindOf(target)) !== "folder") await rm(target, { force: true });
      await mkdir(target, { recursive: true });
      continue;
    }
    if ((await kindOf(target)) === "folder") await rm(target, { recursive: true });
    await rename(path.join(from, name), target);
    if (!isFirst && !what.startsWith("link ")) await utimes(target, time, time);
  }
  return now;
}

const folder = "folder";

/** Folders before what is in them. */
async function describeTree(root: string): Promise<TreeManifest> {
  const found: Record<string, string> = {};
  const visit = async (below: string): Promise<void> => {
    const entries = await readdir(path.join(root, below), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = path.join(below, entry.name);
      const file = path.join(root, name);
      if (entry.isDirectory()) {
        found[name] = folder;
        await visit(name);
      } else if (entry.isSymbolicLink()) {
        found[name] = `link ${await readlink(file)}`;
      } else if (entry.isFile()) {
        const { mode } = await lstat(file);
        found[name] = `file ${(mode & 0o7777).toString(8)} ${await sha256File(file)}`;
      }
    }
  };
  await visit("");
  return found;
}

async function kindOf(file: string): Promise<"folder" | "other" | "absent"> {
  const stat = await lstat(file).catch(() => undefined);
  if (stat === undefined) return "absent";
  return stat.isDirectory() ? "folder" : "other";
}
