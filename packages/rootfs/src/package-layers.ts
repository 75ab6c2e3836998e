import { readFileSync, utimesSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolders,
  pathExists,
  runInSandbox,
  type Sha256,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import type { Closure } from "./closure.ts";
import type { RootOptions } from "./root.ts";

/** Raised when the way a package is unpacked changes. */
const layerEpoch = 1;

/** One unpacked package. */
export interface PackageLayer {
  readonly sha256: Sha256;
  /** Host folder with its files, which nobody may ever write. */
  readonly files: string;
  /** What rpm's database says of each file: one byte, RPMFILE_STATE_*. */
  readonly states: Uint8Array;
}

const unpacker = new URL("unpack.py", import.meta.url);

/**
 * The packages of a closure, each unpacked into a folder of its own, once for all roots that hold
 * it. The packages' files must be in the store.
 *
 * @returns in the closure's order
 */
export async function packageLayers(
  store: Store,
  tools: Tools,
  closure: Closure,
  options: RootOptions,
): Promise<readonly PackageLayer[]> {
  const layerOf = (sha256: Sha256): string =>
    store.path(
      "layers",
      sha256Json([layerEpoch, tools.digest, sha256, options.docs, options.languages ?? null]),
    );
  const missing: Sha256[] = [];
  for (const { sha256 } of closure.packages) {
    if (!(await pathExists(layerOf(sha256)))) missing.push(sha256);
  }
  if (missing.length > 0) await unpack(store, tools, missing, options, layerOf);
  const now = new Date();
  // Hundreds of small files: a thread for each would cost more than reading them.
  return closure.packages.map(({ sha256 }) => {
    const layer = layerOf(sha256);
    const states = readFileSync(path.join(layer, "states"));
    // The time of its last use, for whoever wants to remove old ones.
    utimesSync(layer, now, now);
    return { sha256, files: path.join(layer, "files"), states };
  });
}

async function unpack(
  store: Store,
  tools: Tools,
  missing: readonly Sha256[],
  options: RootOptions,
  layerOf: (sha256: Sha256) => string,
): Promise<void> {
  await store.withTemporaryFolder("layers", async (folder) => {
    const packages = path.join(folder, "packages");
    const unpacked = path.join(folder, "layers");
    for (const sha256 of missing) {
      await store.materialize(sha256, path.join(packages, `${sha256}.rpm`));
      await mkdir(path.join(unpacked, sha256, "files"), { recursive: true });
    }
    await runInSandbox(
      {
        root: tools.root,
        mounts: [
          { source: packages, target: "/packages" },
          { source: unpacked, target: "/layers", writable: true },
        ],
        // In the sandbox's user namespace: it lets rpm chroot, and nothing on the host.
        capabilities: ["CAP_SYS_CHROOT"],
      },
      ["python3", "-c", await readFile(unpacker, "utf8")],
      {
        step: "unpack packages",
        input: JSON.stringify({
          docs: options.docs,
          languages: options.languages ?? null,
          packages: missing.map((sha256) => ({
            file: `/packages/${sha256}.rpm`,
            target: `/layers/${sha256}`,
          })),
        }),
      },
    );
    await adoptFolders(missing.map((sha256) => [path.join(unpacked, sha256), layerOf(sha256)]));
  });
}
