import type { AdmittedPackages } from "./admit-packages.ts";
import type { ImageRepository } from "../context.ts";
import { type SourceGroup, sourceNameOf } from "./layer-plan.ts";

/** The closure's source packages; those of a signed repository are our own. */
export function sourceGroups(
  { packages }: AdmittedPackages,
  repositories: readonly ImageRepository[],
): readonly SourceGroup[] {
  const ownIds = new Set(
    repositories.filter(({ publicKey }) => publicKey !== undefined).map(({ id }) => id),
  );
  const groups = new Map<string, SourceGroup>();
  for (const { entry, header } of packages) {
    const source = sourceNameOf(entry.sourceRpm);
    const before = groups.get(source);
    groups.set(source, {
      source,
      own: before?.own === true || ownIds.has(entry.repository),
      sizeBytes: (before?.sizeBytes ?? 0) + header.installedBytes,
    });
  }
  return [...groups.values()];
}
