import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  type Logger,
  pathExists,
  runInSandbox,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import type { LockedPackage } from "./lock-file.ts";

/** Raised when the way a tools root is laid out changes. */
const toolsEpoch = 1;

/**
 * Unpacks locked packages into a root of the store, once; `fetch` brings their .debs. No
 * maintainer script runs: the tools are chosen so that they work as unpacked.
 *
 * @throws {CleanroomError} `blob-missing` when a .deb was not fetched
 */
export async function makeToolsRoot(
  store: Store,
  name: "tools" | "ccache" | "compressor" | "linter" | "locales",
  packages: readonly LockedPackage[],
  logger: Logger,
  fetch: () => Promise<void>,
): Promise<Tools> {
  const digest = sha256Json([toolsEpoch, packages.map(({ sha256 }) => sha256)]);
  const root = store.path("roots", `${name}-${digest}`);
  if (await pathExists(root)) return { root, digest };
  return store.withLock(`${name}-${digest}`, async () => {
    if (await pathExists(root)) return { root, digest };
    await fetch();
    logger.info(`unpacking ${name}: ${packages.length} packages`);
    return store.withTemporaryFolder(name, async (folder) => {
      const debs = path.join(folder, "debs");
      const target = path.join(folder, "root");
      await mkdir(target);
      for (const { name: deb, sha256 } of packages) {
        await store.materialize(sha256, path.join(debs, `${deb}.deb`));
      }
      await runInSandbox(
        {
          root: "/",
          only: ["usr", "bin", "sbin", "lib", "lib64"],
          mounts: [
            { source: debs, target: "/debs" },
            { source: target, target: "/target", writable: true },
          ],
        },
        ["sh", "-ec", 'for deb in /debs/*.deb; do dpkg-deb -x "$deb" /target; done'],
        { step: `unpack ${name}` },
      );
      await mkdir(path.join(target, "etc"), { recursive: true });
      await writeFile(
        path.join(target, "etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\ncleanroom:x:1000:1000:Cleanroom:/tmp:/bin/sh\n",
      );
      await writeFile(path.join(target, "etc/group"), "root:x:0:\ncleanroom:x:1000:\n");
      if (name === "tools") await compilePython(target);
      await adoptFolder(target, root);
      return { root, digest };
    });
  });
}

/** What the scripts import that run from the tools root. */
const pythonModules = [
  ...["base64", "concurrent.futures", "ctypes", "dnf", "hashlib", "json", "logging", "re", "rpm"],
  ...["shutil", "sqlite3", "struct", "subprocess", "xml.sax.saxutils", "zlib"],
];

/**
 * Has Python keep its modules compiled, as Debian's maintainer scripts would: a start takes a
 * quarter of the time. Python looks at the sources' times, so what is kept always fits.
 */
async function compilePython(root: string): Promise<void> {
  await runInSandbox(
    { root, mounts: [{ source: path.join(root, "usr"), target: "/usr", writable: true }] },
    ["python3", "-c", `import ${pythonModules.join(", ")}`],
    { step: "compile Python modules" },
  );
}
