import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  runInSandbox,
  type Sha256,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import type { DebEntry } from "./deb-contents.ts";
import type { LockedPackage } from "./lock-file.ts";

/** Raised when the way an RPM is made from its spec changes. */
const buildEpoch = 3;

/** What rpm's pkg-config generators look at: Debian's library folder has the triplet in its name. */
const pkgconfigPath = "^/usr/(lib(64|/[^/]+)?|share)/pkgconfig/.*[.]pc$";

/** An imported package in the store. */
export interface ImportedRpm {
  /** `name-version-release.arch.rpm` */
  readonly fileName: string;
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
}

/**
 * Makes the RPM of one .deb from its spec, in a sandbox, once for a spec and a .deb. Bit for bit
 * the same each time: build host, times and path are fixed (facts: rpm 4.20's
 * `build_mtime_policy`, SOURCE_DATE_EPOCH).
 */
export async function buildImportedRpm(
  store: Store,
  tools: Tools,
  deb: LockedPackage,
  spec: string,
  entries: readonly DebEntry[],
  arch: string,
): Promise<ImportedRpm> {
  const key = sha256Json(["import-rpm", buildEpoch, spec, deb.sha256, tools.digest, arch]);
  const known = (await store.action(key))?.outputs[0];
  if (known !== undefined) return { fileName: known.name, sha256: known.sha256, size: known.size };
  return store.withTemporaryFolder("import", async (folder) => {
    await store.materialize(deb.sha256, path.join(folder, "package.deb"));
    await writeFile(path.join(folder, "package.spec"), spec);
    await mkdir(path.join(folder, "rpms"));
    const newest = entries.reduce((latest, { mtime }) => Math.max(latest, mtime), 0);
    await runInSandbox(
      {
        root: tools.root,
        mounts: [{ source: folder, target: "/job", writable: true }],
        env: { SOURCE_DATE_EPOCH: String(newest), TMPDIR: "/job" },
      },
      [
        ...["rpmbuild", "-bb", "--quiet", "--target", arch],
        ...[
          "_topdir /job/rpmbuild",
          "_rpmdir /job/rpms",
          "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
          "_dbpath /job/rpmdb",
          "_tmppath /job",
          "_buildhost cleanroom",
          "use_source_date_epoch_as_buildtime 1",
          "build_mtime_policy clamp_to_source_date_epoch",
          "_binary_payload w6.zstdio",
          `__pkgconfig_path ${pkgconfigPath}`,
          // Packages with data alone have .pc files too; build roots name pkgconf themselves.
          "__requires_exclude ^/usr/bin/pkg-config$",
        ].flatMap((definition) => ["--define", definition]),
        "/job/package.spec",
      ],
      { step: `import ${deb.name}` },
    );
    const [fileName, ...others] = await readdir(path.join(folder, "rpms"));
    if (fileName === undefined || others.length > 0) {
      throw new CleanroomError("import-failed", `rpmbuild made ${others.length + 1} packages`, {
        place: { step: `import ${deb.name}` },
      });
    }
    const stored = await store.putFile(path.join(folder, "rpms", fileName));
    await store.putAction(key, { outputs: [{ name: fileName, ...stored }], facts: {} });
    return { fileName, ...stored };
  });
}
