import type { Store } from "@cleanroom/core";
import { headerTag } from "rpm-parser";
import { readHeaderOf } from "../metadata/read-header.ts";
import type { ExtraMetadata } from "../metadata/repodata.ts";
import type { PackageChunk } from "../package-chunk.ts";
import type { PublishedPackage } from "../published-package.ts";
import { buildProvenance } from "./build-provenance.ts";
import { groupsXml } from "./groups-xml.ts";
import type { RepositoryExtras } from "./repository-file.ts";
import { isOf, updatesXml } from "./updates-xml.ts";

/** The group, update and provenance files of a repository; none where there is nothing to say. */
export async function extraMetadata(
  store: Store,
  repository: string,
  extras: RepositoryExtras | undefined,
  chunks: readonly PackageChunk[],
): Promise<readonly ExtraMetadata[]> {
  const files: ExtraMetadata[] = [];
  const { groups = [], updates = [] } = extras ?? {};
  if (groups.length > 0) files.push({ kind: "group", text: groupsXml(groups) });
  if (updates.length > 0) {
    const packages = chunks.flatMap((chunk) => chunk.packages());
    const changes = new Map<string, string>();
    for (const update of updates.filter((one) => one.description === undefined)) {
      const first = packages.find((one) => isOf(one, update.packages));
      if (first === undefined) continue;
      const { main } = readHeaderOf(store.blobPath(first.sha256));
      changes.set(first.nevra, main.string(headerTag.changelogTexts) ?? "");
    }
    const newestChange = ({ nevra }: PublishedPackage): string => changes.get(nevra) ?? "";
    const text = updatesXml(repository, updates, packages, newestChange);
    files.push({ kind: "updateinfo", text });
  }
  const provenance = await buildProvenance(store, chunks);
  if (provenance !== "") files.push({ kind: "provenance", text: provenance });
  return files;
}
