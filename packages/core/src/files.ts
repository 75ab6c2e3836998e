import { randomBytes } from "node:crypto";
import { readlinkSync, statSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { run } from "./run.ts";

/** True when a file system error says that the path is not there. */
export function isMissingFile(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The size of a file in bytes; undefined where nothing is at the path. */
export function sizeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size;
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/** Whether something is at the path. Some microseconds, which another thread would make many more. */
export async function pathExists(path: string): Promise<boolean> {
  return sizeOf(path) !== undefined;
}

/** The process numbers that ours is one of: in another container the same number is another process. */
const pidNamespace = /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";

/** A name that no other process will choose, and that tells whose it is. */
export function uniqueName(prefix: string): string {
  return `${prefix}.${pidNamespace}-${process.pid}.${randomBytes(6).toString("hex")}`;
}

const ownedName = /\.(\d+)-(\d+)\.[0-9a-f]{12}$/;
const abandonedAfterMs = 24 * 60 * 60 * 1000;

/**
 * Removes files and folders with a {@link uniqueName} whose process is no more. A process of another
 * container cannot be seen: what is its own is left for a day.
 *
 * @returns how many were removed
 */
export async function removeAbandoned(folder: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    if (!(await isAbandoned(file))) continue;
    await removeFolder(file);
    removed += 1;
  }
  return removed;
}

/** Whether a process is there and has not ended: one that nobody has asked for its end is a zombie. */
async function isRunning(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") X");
  return !/\) [ZX]/.test(stat);
}

async function isAbandoned(file: string): Promise<boolean> {
  const [, namespace, pid] = ownedName.exec(path.basename(file)) ?? [];
  if (namespace === undefined) return false;
  if (namespace === pidNamespace) return !(await isRunning(pid ?? ""));
  try {
    return Date.now() - (await stat(file)).mtimeMs > abandonedAfterMs;
  } catch (error) {
    if (isMissingFile(error)) return false;
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file so that readers see the old content or the new one, never a part: temporary file
 * beside it, fsync, rename, fsync of the folder.
 */
export async function writeFileAtomic(
  file: string,
  data: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const temporary = path.join(folder, uniqueName(`.${path.basename(file)}`));
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Puts a finished folder in the place of `target`. Where a folder is there already it is moved
 * aside first, because rename(2) replaces only empty folders: after a crash between the two
 * renames the target is absent, which every reader takes as "not made yet", and never mixed.
 */
export async function replaceFolder(finished: string, target: string): Promise<void> {
  const parent = path.dirname(target);
  await mkdir(parent, { recursive: true });
  const moved: string[] = [];
  for (;;) {
    const aside = path.join(parent, uniqueName(`.${path.basename(target)}.old`));
    try {
      await rename(target, aside);
      moved.push(aside);
    } catch (error) {
      if (!isMissingFile(error)) throw error;
    }
    try {
      await rename(finished, target);
      break;
    } catch (error) {
      // Another run has put its own there in between: the last one's stays.
      if (!isOccupied(error)) throw error;
    }
  }
  await syncFolder(parent);
  for (const aside of moved) await removeFolder(aside);
}

/** Whether rename(2) found a folder with something in it where it was to put one. */
function isOccupied(thrown: unknown): boolean {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === "ENOTEMPTY" || code === "EEXIST";
}

/**
 * Puts a finished folder at `target` unless one is there: for folders that are named by their
 * content, so that whoever came first has made the same. The target is never absent again, and
 * never incomplete: all of its files are on the disk before it has its name, or a loss of power
 * could leave it with empty ones.
 */
export async function adoptFolder(finished: string, target: string): Promise<void> {
  await adoptFolders([[finished, target]]);
}

/** As {@link adoptFolder}, for several on one file system, which are waited for together. */
export async function adoptFolders(
  folders: readonly (readonly [finished: string, target: string])[],
): Promise<void> {
  const [first] = folders;
  if (first === undefined) return;
  // syncfs(2): thousands of files, each by itself, would take far longer.
  await run("sync", ["--file-system", first[0]]);
  const parents = new Set<string>();
  for (const [finished, target] of folders) {
    await mkdir(path.dirname(target), { recursive: true });
    try {
      await rename(finished, target);
      parents.add(path.dirname(target));
    } catch (error) {
      if (!isOccupied(error)) throw error;
      await removeFolder(finished);
    }
  }
  for (const parent of parents) await syncFolder(parent);
}

/** Removes a folder tree, also where a package made folders without write permission. */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "EACCES" && code !== "EPERM") throw error;
    await makeWritable(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeWritable(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.chmod(0o700);
  } finally {
    await handle.close();
  }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(path.join(folder, entry.name));
  }
}
