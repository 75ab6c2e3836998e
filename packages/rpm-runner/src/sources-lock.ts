import { pathExists, readYamlFile, writeFileAtomic } from "@cleanroom/core";
import path from "node:path";
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hexadecimal digits");

/** A file of a Debian source package. */
const debianPlaceSchema = z.strictObject({
  deb: z.string(),
  /** Upstream's part of the version, such as 2.84.4; any revision of it will do. */
  version: z.string(),
  file: z.string(),
  /** Where Debian repacked the archive: its own digest and size, as good as upstream's. */
  sha256: digest.optional(),
  size: z.int().positive().optional(),
});

const lockedSourceSchema = z.strictObject({
  /** The name under which the spec asks for it. */
  file: z.string().regex(/^[^/\0]+$/, "expected a file name without a folder"),
  sha256: digest,
  /** Bytes. */
  size: z.int().positive(),
  /** Where to look, in this order. `url` stands for the address in the spec. */
  from: z
    .array(
      z.union([z.literal("url"), debianPlaceSchema], {
        error:
          'expected `url` or { deb, version, file }, each a text (a version such as "48.0" in quotes)',
      }),
    )
    .min(1),
});

/** specs/rpm/NAME/sources.lock.yaml */
export const sourcesLockSchema = z.strictObject({ sources: z.array(lockedSourceSchema) });

export type DebianPlace = z.output<typeof debianPlaceSchema>;
export type LockedSource = z.output<typeof lockedSourceSchema>;

const fileName = "sources.lock.yaml";

/** The locked sources of a package; none where the package has no lock. */
export async function readSourcesLock(
  folder: string,
  displayFolder: string,
): Promise<readonly LockedSource[]> {
  const file = path.join(folder, fileName);
  if (!(await pathExists(file))) return [];
  const displayName = path.join(displayFolder, fileName);
  return (await readYamlFile(file, sourcesLockSchema, displayName)).sources;
}

export async function writeSourcesLock(
  folder: string,
  sources: readonly LockedSource[],
): Promise<void> {
  const { stringify } = await import("yaml");
  const heading =
    "# yaml-language-server: $schema=../../schemas/sources-lock.json\n" +
    "# Written by `cleanroom sources lock`.\n";
  await writeFileAtomic(
    path.join(folder, fileName),
    heading + stringify({ sources }, { lineWidth: 0 }),
  );
}
