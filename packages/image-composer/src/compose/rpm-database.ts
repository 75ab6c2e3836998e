import { copyFile, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { isMissingFile, runInSandbox, sha256Json } from "@cleanroom/core";
import { rpmDatabasePath } from "@cleanroom/rootfs";
import type { ImageContext } from "../context.ts";

/** Where the image has rpm's database, below its root: where scanners look for it. */
export const rpmDatabaseFile: string = path.posix.join(rpmDatabasePath, "rpmdb.sqlite").slice(1);

/** Raised when the way the database is written anew changes. */
const databaseEpoch = 1;

/** Our copy may be lost at any moment, so nothing waits for the disk. */
const script = "PRAGMA synchronous=OFF; PRAGMA journal_mode=DELETE; VACUUM;";

/**
 * The root's rpm database as one file that is the same for the same packages: without a journal,
 * which a read-only file system could not replay, and without the free pages that are left over
 * from how it was written.
 */
export async function stableRpmDatabase(
  { store, tools }: ImageContext,
  root: string,
): Promise<Uint8Array> {
  // A root's name is the digest of all that it was made of.
  const key = sha256Json(["rpm-database", databaseEpoch, tools.digest, path.basename(root)]);
  const known = (await store.action(key))?.outputs[0];
  const blob = known === undefined ? undefined : await store.blob(known.sha256);
  if (blob !== undefined) return readFile(blob);
  return store.withTemporaryFolder("rpmdb", async (folder) => {
    const work = path.join(folder, "rpm");
    await mkdir(work);
    const database = path.join(work, "rpmdb.sqlite");
    await copyFile(path.join(root, rpmDatabaseFile), database);
    try {
      await copyFile(path.join(root, `${rpmDatabaseFile}-wal`), `${database}-wal`);
    } catch (error) {
      if (!isMissingFile(error)) throw error;
    }
    await runInSandbox(
      { root: tools.root, mounts: [{ source: work, target: "/job", writable: true }] },
      ["sqlite3", "/job/rpmdb.sqlite", script],
      { step: "rpm database" },
    );
    const stored = await store.putFile(database);
    await store.putAction(key, { outputs: [{ name: "rpmdb.sqlite", ...stored }], facts: {} });
    return readFile(database);
  });
}
