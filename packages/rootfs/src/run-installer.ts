import { chmod, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { mapConcurrent, runInSandbox, type Sandbox, type Store, type Tools } from "@cleanroom/core";
import type { PackageLayer } from "./package-layers.ts";
import type { RootOptions } from "./root.ts";

const installer = new URL("install.py", import.meta.url);

/**
 * Where rpm keeps its database in every root: where scanners look for it. It is one file without a
 * journal, the same for the same packages.
 */
export const rpmDatabasePath = "/usr/lib/sysimage/rpm";

/**
 * Folders that every root has, below it, parents first. What scriptlets expect in /proc, /dev, /tmp and
 * /run the sandbox mounts there; what these hold never reaches the root.
 */
export const ownFolders: readonly string[] = [
  ...["proc", "dev", "tmp", "run", "sys"],
  ...rpmDatabasePath
    .slice(1)
    .split("/")
    .map((_, index, names) => names.slice(0, index + 1).join("/")),
];

/** A new root that has these alone. */
export async function makeOwnFolders(root: string): Promise<void> {
  for (const folder of [root, ...ownFolders.map((name) => path.join(root, name))]) {
    await mkdir(folder);
    await chmod(folder, 0o755);
  }
}

/** What the installer (`install.py`) is told. */
export interface Installation extends RootOptions {
  /** The packages to install, whose files are in the store. */
  readonly packages: readonly Pick<PackageLayer, "sha256">[];
  /** The states of each package's files, which rpm does not need until it is done. */
  readonly states: Promise<readonly Uint8Array[]>;
  /** Whether scriptlets and triggers run. */
  readonly scriptlets: boolean;
  /** Whether the database is the same however its packages came into it. */
  readonly ordered: boolean;
  /** NEVRAs of the packages of an ordered database that is there: `before.sqlite` in its folder. */
  readonly before?: readonly string[];
  /** NEVRAs of those that leave it. */
  readonly removed?: readonly string[];
}

/** Host folders that the installer works in, all in one of its own. */
export interface InstallerFolders {
  /** Where the packages are put for it. */
  readonly packages: string;
  /** The root; nothing is written there but by scriptlets. */
  readonly target: string;
  /** What an overlay over the root takes; without one, an empty folder. */
  readonly changes: string;
  /** Gets `rpmdb.sqlite`. */
  readonly database: string;
}

async function* installerInput(
  request: object,
  states: Promise<readonly Uint8Array[]>,
): AsyncGenerator<string> {
  yield `${JSON.stringify(request)}\n`;
  const encoded = (await states).map((one) => Buffer.from(one).toString("base64"));
  yield `${JSON.stringify(encoded)}\n`;
}

/**
 * Lets rpm install packages whose files are in place.
 *
 * @param overlay what is mounted at `folders.target`
 * @param onInputWritten called when rpm is at work and has all it needs
 * @returns folders, below the root, that scriptlets replaced rather than added to
 */
export async function runInstaller(
  store: Store,
  tools: Tools,
  folders: InstallerFolders,
  { packages, states, ...installation }: Installation,
  overlay?: Sandbox["overlay"],
  onInputWritten?: () => void,
): Promise<readonly string[]> {
  await mapConcurrent(packages, 4, ({ sha256 }) =>
    // Of packages that are unpacked already rpm reads the headers alone, which hold their digests.
    store.materialize(sha256, path.join(folders.packages, `${sha256}.rpm`), { verify: false }),
  );
  // It may fail before anybody asks for it.
  states.catch(() => undefined);
  const { stdout } = await runInSandbox(
    {
      root: tools.root,
      ...(overlay !== undefined && { overlay }),
      mounts: [
        { source: folders.packages, target: "/packages" },
        { source: folders.changes, target: "/changes" },
        { source: folders.database, target: "/database", writable: true },
        { source: folders.target, target: "/target", writable: true },
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
      ...(onInputWritten !== undefined && { onInputWritten }),
      input: installerInput(
        {
          ...{ languages: null, before: null, removed: [] },
          ...installation,
          database: rpmDatabasePath,
          packages: packages.map(({ sha256 }) => `/packages/${sha256}.rpm`),
        },
        states,
      ),
    },
  );
  return (JSON.parse(stdout) as { readonly opaque: readonly string[] }).opaque;
}
