import { constants } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { isMissingFile, uniqueName, writeFileAtomic } from "@cleanroom/core";
import type { ExportTarget } from "./target.ts";

/** A folder of this machine, such as a web server's. */
export function folderTarget(folder: string): ExportTarget {
  const inside = (location: string): string => path.join(folder, location);
  return {
    name: folder,
    async list() {
      const sizes = new Map<string, number>();
      for (const entry of await entriesOf(folder)) {
        if (!entry.isFile()) continue;
        const file = path.join(entry.parentPath, entry.name);
        sizes.set(path.relative(folder, file), (await stat(file)).size);
      }
      return sizes;
    },
    async read(location) {
      try {
        return await readFile(inside(location), "utf8");
      } catch (error) {
        if (isMissingFile(error)) return undefined;
        throw error;
      }
    },
    async putFile(location, file) {
      const target = inside(location);
      const temporary = path.join(path.dirname(target), uniqueName(".new"));
      await mkdir(path.dirname(target), { recursive: true });
      try {
        await copyFile(file, temporary, constants.COPYFILE_FICLONE);
        await rename(temporary, target);
      } finally {
        await rm(temporary, { force: true });
      }
    },
    putText: (location, text) => writeFileAtomic(inside(location), text),
    remove: (location) => rm(inside(location), { force: true }),
  };
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true, recursive: true });
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}
