import { chmod, mkdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  mapConcurrent,
  pathExists,
  runInSandbox,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { type Closure, type Repository } from "./closure.ts";
import { fetchClosure } from "./fetch-closure.ts";

/** Raised when the way a root is installed changes. */
const rootEpoch = 1;

/** Where rpm keeps its database in every root: where scanners look for it. */
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
      await installPackages(store, tools, closure, options, folder, target);
      await adoptFolder(target, root);
      return root;
    });
  });
}

async function installPackages(
  store: Store,
  tools: Tools,
  closure: Closure,
  options: RootOptions,
  folder: string,
  target: string,
): Promise<void> {
  const packages = path.join(folder, "packages");
  await mkdir(packages);
  // In the root's own /proc, /dev, /tmp and /run scriptlets find what they expect; the sandbox
  // mounts them, and what they hold never reaches the root.
  for (const name of ["proc", "dev", "tmp", "run", "sys", "usr"]) {
    await mkdir(path.join(target, name), { recursive: true });
    await chmod(path.join(target, name), 0o755);
  }
  const names = closure.packages.map(({ sha256 }) => `${sha256}.rpm`);
  await mapConcurrent(closure.packages, 4, ({ sha256 }) =>
    store.materialize(sha256, path.join(packages, `${sha256}.rpm`)),
  );
  await writeFile(
    path.join(packages, "manifest"),
    names.map((name) => `/packages/${name}\n`).join(""),
  );
  const languages = options.languages?.join(":");
  await runInSandbox(
    {
      root: tools.root,
      mounts: [
        { source: packages, target: "/packages" },
        { source: target, target: "/target", writable: true },
      ],
      chroots: ["/target"],
      // In the sandbox's user namespace: it lets rpm chroot, and nothing on the host.
      capabilities: ["CAP_SYS_CHROOT"],
      env: { SOURCE_DATE_EPOCH: "0" },
    },
    [
      // What scriptlets make must not depend on the umask of whoever runs this.
      ...["sh", "-c", 'umask 022; exec "$@"', "sh"],
      ...["rpm", "--install", "--root", "/target", "--dbpath", rpmDatabasePath],
      // The store has verified every file against the closure's digest.
      ...["--nosignature", "--noplugins", "--nocaps"],
      ...(options.docs ? [] : ["--excludedocs"]),
      ...(languages === undefined ? [] : ["--define", `_install_langs ${languages}`]),
      "/packages/manifest",
    ],
    { step: "install packages" },
  );
}
