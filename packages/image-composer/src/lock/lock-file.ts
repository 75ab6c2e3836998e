import path from "node:path";
import { CleanroomError, readYamlFile, rememberYamlValues, writeFileAtomic } from "@cleanroom/core";
import { z } from "zod";
import { imageLockName } from "../image-file.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hexadecimal digits");

const lockedPackageSchema = z.strictObject({
  /** `name-[epoch:]version-release.arch` */
  nevra: z.string().regex(/^.+-(\d+:)?[^-]+-[^-]+\.[^.-]+$/, "expected name-version-release.arch"),
  /**
   * SHA-256 of the package's main header, which holds its payload's digest: it names the package
   * whoever signed it.
   */
  sha256: digest,
  /** Installed bytes, as the header has them. */
  size: z.int().min(0),
  repository: z.string(),
  /** File name of the source package. */
  source: z.string(),
});

/** specs/image/NAME/image.lock.yaml, written by `cleanroom image lock`. */
const imageLockSchema = z.strictObject({
  arch: z.string(),
  /** The repository states it was resolved against: a generation, or a base's digest. */
  repositories: z.record(z.string(), z.string()),
  /** What was asked for. */
  requires: z.array(z.string()),
  /** Sorted by NEVRA. */
  packages: z.array(lockedPackageSchema).min(1),
  /**
   * Source packages that share a layer. Locked, so that packages keep their layer when their
   * versions change, and every machine makes the same layers.
   */
  layers: z.array(z.array(z.string())),
});

export type ImageLock = z.output<typeof imageLockSchema>;
export type LockedPackage = z.output<typeof lockedPackageSchema>;

/** The parts of a NEVRA; the epoch is empty when there is none. */
export interface NevraParts {
  readonly name: string;
  /** `[epoch:]version-release` */
  readonly evr: string;
  readonly arch: string;
}

export function splitNevra(nevra: string): NevraParts {
  const [, name = nevra, evr = "", arch = ""] = /^(.+)-([^-]+-[^-]+)\.([^.]+)$/.exec(nevra) ?? [];
  return { name, evr, arch };
}

/** Reads the lock of an image's folder; undefined when there is none. */
export async function readImageLock(folder: string): Promise<ImageLock | undefined> {
  try {
    return await readYamlFile(path.join(folder, imageLockName), imageLockSchema);
  } catch (error) {
    if (error instanceof CleanroomError && error.code === "file-missing") return undefined;
    throw error;
  }
}

export async function writeImageLock(folder: string, lock: ImageLock): Promise<void> {
  const { stringify } = await import("yaml");
  const heading =
    "# Written by `cleanroom image lock`; not edited by hand. Review it as you would a dependency.\n" +
    "# sha256 is that of the package's header, which holds the digest of everything in it.\n";
  const text = heading + stringify(lock, { lineWidth: 0 });
  rememberYamlValues(text, lock);
  await writeFileAtomic(path.join(folder, imageLockName), text);
}
