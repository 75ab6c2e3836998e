import { mkdir, rename, utimes } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  overlaysWork,
  pathExists,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { applyChanges } from "./apply-changes.ts";
import { type Closure, type Repository } from "./closure.ts";
import { withPackagesChecked } from "./damaged-packages.ts";
import { fetchClosure } from "./fetch-closure.ts";
import { LinkedTree } from "./link-tree.ts";
import { packageLayers } from "./package-layers.ts";
import { makeOwnFolders, rpmDatabasePath, runInstaller } from "./run-installer.ts";

/**
 * Raised when the way a root is installed changes. Where builds can tell, rpm-runner's epoch is
 * raised as well: action keys name the packages of a root, and not how they got there.
 */
const rootEpoch = 5;

export interface RootOptions {
  /** Install documentation (files marked %doc, man and info pages). */
  readonly docs: boolean;
  /** Languages of files marked %lang, such as `en_US`; all when absent. */
  readonly languages?: readonly string[];
}

/**
 * Installs a closure into an empty root with rpm, once: scriptlets and file triggers run inside
 * the root, in a sandbox without network. The root is shared and must not be written.
 *
 * @returns the host folder of the root
 */
export async function makeRoot(
  store: Store,
  tools: Tools,
  closure: Closure,
  repositories: readonly Repository[],
  options: RootOptions,
): Promise<string> {
  const digest = sha256Json([
    rootEpoch,
    tools.digest,
    closure.digest,
    options.docs,
    options.languages ?? null,
  ]);
  const root = store.path("roots", digest);
  if (await isMade(root)) return root;
  return store.withLock(`root-${digest}`, async () => {
    if (await pathExists(root)) return root;
    await fetchClosure(store, closure, repositories);
    return store.withTemporaryFolder("root", async (folder) => {
      const target = path.join(folder, "root");
      await withPackagesChecked(store, closure, repositories, () =>
        installPackages(store, tools, closure, options, folder, target),
      );
      await adoptFolder(target, root);
      return root;
    });
  });
}

/** Whether a root is there. It keeps the time of its last use, for whoever wants to remove old ones. */
export async function isMade(root: string): Promise<boolean> {
  if (!(await pathExists(root))) return false;
  const now = new Date();
  await utimes(root, now, now);
  return true;
}

/**
 * Lays the packages' files out and lets rpm install them there, all but the unpacking: scriptlets,
 * file triggers, the database. What those change goes to a layer of its own first, so that no
 * file that other roots share is ever written; where there are no overlays, files are copied.
 */
async function installPackages(
  store: Store,
  tools: Tools,
  closure: Closure,
  options: RootOptions,
  folder: string,
  target: string,
): Promise<void> {
  const layers = await packageLayers(store, tools, closure, options);
  const isOverlaid = await overlaysWork(folder);
  const names = ["packages", "changes", "work", "merged", "database"] as const;
  const [packages, changes, work, merged, database] = names.map((name) =>
    path.join(folder, name),
  ) as [string, string, string, string, string];
  for (const name of [packages, changes, work, merged, database]) await mkdir(name);
  await makeOwnFolders(target);
  const tree = new LinkedTree(target, { copies: !isOverlaid });
  for (const { files } of layers) tree.add(files);
  const opaque = await runInstaller(
    store,
    tools,
    { packages, changes, database, target: isOverlaid ? merged : target },
    {
      ...options,
      packages: layers,
      states: Promise.resolve(layers.map(({ states }) => states)),
      scriptlets: true,
      ordered: false,
    },
    isOverlaid ? { lowers: [target], upper: changes, work, target: merged } : undefined,
  );
  if (isOverlaid) await applyChanges(changes, target, opaque);
  await rename(
    path.join(database, "rpmdb.sqlite"),
    path.join(target, rpmDatabasePath, "rpmdb.sqlite"),
  );
}
