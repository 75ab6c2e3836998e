import { copyFile, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { runInSandbox } from "@cleanroom/core";
import { rpmDatabasePath } from "@cleanroom/rootfs";
import type { ImageContext } from "./context.ts";

/** Where the image has rpm's database, below its root: where scanners look for it. */
export const rpmDatabaseFile: string = path.posix.join(rpmDatabasePath, "rpmdb.sqlite").slice(1);

/**
 * The root's rpm database as one file that is the same for the same packages: without a journal,
 * which a read-only file system could not replay, and without the free pages that are left over
 * from how it was written.
 */
export async function stableRpmDatabase(
  { store, tools }: ImageContext,
  root: string,
): Promise<Uint8Array> {
  return store.withTemporaryFolder("rpmdb", async (folder) => {
    const work = path.join(folder, "rpm");
    await mkdir(work);
    await copyFile(path.join(root, rpmDatabaseFile), path.join(work, "rpmdb.sqlite"));
    try {
      await copyFile(
        path.join(root, `${rpmDatabaseFile}-wal`),
        path.join(work, "rpmdb.sqlite-wal"),
      );
    } catch {
      // Already checkpointed.
    }
    await runInSandbox(
      { root: tools.root, mounts: [{ source: work, target: "/work", writable: true }] },
      ["sqlite3", "/work/rpmdb.sqlite", "PRAGMA journal_mode=DELETE; VACUUM;"],
      { step: "rpm database" },
    );
    return readFile(path.join(work, "rpmdb.sqlite"));
  });
}
