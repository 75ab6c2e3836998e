import { chmod, mkdir, readFile, rename, utimes } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  CleanroomError,
  mapConcurrent,
  overlaysWork,
  pathExists,
  runInSandbox,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { applyChanges } from "./apply-changes.ts";
import { type Closure, type Repository } from "./closure.ts";
import { checkPackages } from "./damaged-packages.ts";
import { fetchClosure } from "./fetch-closure.ts";
import { LinkedTree } from "./link-tree.ts";
import { packageLayers } from "./package-layers.ts";

/**
 * Raised when the way a root is installed changes. Where builds can tell, rpm-runner's epoch is
 * raised as well: action keys name the packages of a root, and not how they got there.
 */
const rootEpoch = 5;

const installer = new URL("install.py", import.meta.url);

/**
 * Where rpm keeps its database in every root: where scanners look for it. It is one file without a
 * journal, the same for the same packages.
 */
export const rpmDatabasePath = "/usr/lib/sysimage/rpm";

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
  if (await pathExists(root)) {
    // The time of its last use, for whoever wants to remove old ones.
    const now = new Date();
    await utimes(root, now, now);
    return root;
  }
  return store.withLock(`root-${digest}`, async () => {
    if (await pathExists(root)) return root;
    await fetchClosure(store, closure, repositories);
    return store.withTemporaryFolder("root", async (folder) => {
      const target = path.join(folder, "root");
      try {
        await installPackages(store, tools, closure, options, folder, target);
      } catch (error) {
        const isInterrupted = error instanceof CleanroomError && error.exitCode === 130;
        // rpm's words about a damaged package help nobody, and it would stay where it is.
        if (!isInterrupted) await checkPackages(store, closure, repositories);
        throw error;
      }
      await adoptFolder(target, root);
      return root;
    });
  });
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
  for (const name of [packages, changes, work, merged, database, target]) await mkdir(name);
  await chmod(target, 0o755);
  // In the root's own /proc, /dev, /tmp and /run scriptlets find what they expect; the sandbox
  // mounts them, and what they hold never reaches the root.
  for (const name of ["proc", "dev", "tmp", "run", "sys", "usr"]) {
    await mkdir(path.join(target, name));
    await chmod(path.join(target, name), 0o755);
  }
  const tree = new LinkedTree(target, { copies: !isOverlaid });
  for (const { files } of layers) tree.add(files);
  tree.makeFolder(rpmDatabasePath.slice(1));
  await mapConcurrent(closure.packages, 4, ({ sha256 }) =>
    // Of packages that are unpacked already rpm reads the headers alone, which hold their digests.
    store.materialize(sha256, path.join(packages, `${sha256}.rpm`), { verify: false }),
  );
  const { stdout } = await runInSandbox(
    {
      root: tools.root,
      ...(isOverlaid && { overlay: { lower: target, upper: changes, work, target: merged } }),
      mounts: [
        { source: packages, target: "/packages" },
        { source: changes, target: "/changes" },
        { source: database, target: "/database", writable: true },
        { source: isOverlaid ? merged : target, target: "/target", writable: true },
      ],
      chroots: ["/target"],
      scratch: [`/target${rpmDatabasePath}`],
      // In the sandbox's user namespace: it lets rpm chroot, and nothing on the host.
      capabilities: ["CAP_SYS_CHROOT"],
      env: { SOURCE_DATE_EPOCH: "0" },
    },
    ["python3", "-c", await readFile(installer, "utf8")],
    {
      step: "install packages",
      input: JSON.stringify({
        docs: options.docs,
        languages: options.languages ?? null,
        database: rpmDatabasePath,
        packages: layers.map(({ sha256, states }) => ({
          file: `/packages/${sha256}.rpm`,
          states: Buffer.from(states).toString("base64"),
        })),
      }),
    },
  );
  const { opaque } = JSON.parse(stdout) as { readonly opaque: readonly string[] };
  if (isOverlaid) await applyChanges(changes, target, opaque);
  await rename(
    path.join(database, "rpmdb.sqlite"),
    path.join(target, rpmDatabasePath, "rpmdb.sqlite"),
  );
}
