import { z } from "zod";

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

export const publishedPackageSchema = z.strictObject({
  /** `name-[epoch:]version-release.arch`. */
  nevra: z.string(),
  name: z.string(),
  /** Null when unset. */
  epoch: z.int().nullable(),
  version: z.string(),
  release: z.string(),
  /** `src` for a source package. */
  arch: z.string(),
  /** File name of the source package; null for a source package. */
  sourceRpm: z.string().nullable(),
  /** Path below the generation's folder. */
  location: z.string(),
  /** Of the signed .rpm, as clients get it. */
  sha256: sha256Schema,
  sizeBytes: z.int(),
  /** Of the .rpm as it was built. */
  unsignedSha256: sha256Schema,
  /** Of its SLSA provenance: a line of the metadata file of that name, line end included. */
  provenance: sha256Schema.optional(),
  /** Seconds since 1970. */
  buildTimeSeconds: z.int(),
});

/** A package of a generation. */
export type PublishedPackage = z.infer<typeof publishedPackageSchema>;

/** What a package was made of, as it was requested. */
export type PackageSource = Pick<PublishedPackage, "unsignedSha256" | "provenance">;

/** Packages as a generation's record has them: one a line, so that two can be compared by eye. */
export function recordLines(packages: readonly PublishedPackage[]): string {
  return packages.map(recordLine).join(",\n");
}

function recordLine({ unsignedSha256, provenance, ...others }: PublishedPackage): string {
  // Side by side, where `recordedSources` looks for them.
  return JSON.stringify({ ...others, unsignedSha256, provenance });
}

/** What {@link recordLines} wrote. */
export function parseRecordLines(lines: string): readonly PublishedPackage[] {
  return JSON.parse(`[${lines}]`) as PublishedPackage[];
}

/**
 * What the packages of a record were made of, in its order, without taking it apart: that takes
 * longer than all else that is done for a package which did not change. A name of JSON cannot be
 * mistaken for a piece of some text, where each quotation mark has a backslash before it.
 */
export function* recordedSources(lines: string): Generator<PackageSource> {
  for (let at = lines.indexOf(beforeSource); at !== -1; at = lines.indexOf(beforeSource, at)) {
    at += beforeSource.length;
    const unsignedSha256 = lines.slice(at, at + digestLength);
    at += digestLength;
    const provenanceAt = at + beforeProvenance.length;
    const provenance = lines.startsWith(beforeProvenance, at)
      ? lines.slice(provenanceAt, provenanceAt + digestLength)
      : undefined;
    yield { unsignedSha256, provenance };
  }
}

const beforeSource = `"unsignedSha256":"`;
const beforeProvenance = `","provenance":"`;
const digestLength = 64;
