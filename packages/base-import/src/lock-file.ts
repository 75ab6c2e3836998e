import { readYamlFile, writeFileAtomic } from "@cleanroom/core";
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hexadecimal digits");

const lockedPackageSchema = z.strictObject({
  name: z.string(),
  /** Debian's own version text: `[epoch:]upstream[-revision]`. */
  version: z.string(),
  suite: z.string(),
  /** Below the mirror's root, such as `pool/main/g/glibc/libc6_2.41-12_amd64.deb`. */
  path: z
    .string()
    .regex(/^pool\/[^\0]+\.deb$/, "expected a path below pool/")
    .refine((path) => !path.split("/").includes(".."), "must not leave the mirror"),
  sha256: digest,
  /** Bytes. */
  size: z.int().positive(),
});

/** specs/base/NAME/base.lock.yaml, written by `cleanroom base lock`. */
export const baseLockSchema = z.strictObject({
  /** What becomes the repository. Sorted by name. */
  packages: z.array(lockedPackageSchema),
  /** What becomes the tools root: names of locked packages, or packages of its own. */
  tools: z.array(lockedPackageSchema),
  /** What becomes the compiler cache's root. */
  compilerCache: z.array(lockedPackageSchema).default([]),
  /** What becomes the linter's root. */
  linter: z.array(lockedPackageSchema).default([]),
  /** What becomes the compressor's root. */
  compressor: z.array(lockedPackageSchema).default([]),
  /** What becomes the root that compiles locales. */
  locales: z.array(lockedPackageSchema).default([]),
});

export type LockedPackage = z.output<typeof lockedPackageSchema>;
export type BaseLock = z.output<typeof baseLockSchema>;

export async function readBaseLock(file: string, displayName: string): Promise<BaseLock> {
  return readYamlFile(file, baseLockSchema, displayName);
}

export async function writeBaseLock(file: string, lock: BaseLock): Promise<void> {
  const { stringify } = await import("yaml");
  const heading =
    "# Written by `cleanroom base lock`; not edited by hand. Review it as you would a dependency.\n";
  await writeFileAtomic(file, heading + stringify(lock, { lineWidth: 0 }));
}
