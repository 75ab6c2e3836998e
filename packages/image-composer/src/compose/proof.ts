import { CleanroomError, readElfNeeds } from "@cleanroom/core";
import {
  type ForbiddenNeed,
  forbiddenNeeds,
  type ForbidRule,
  type PackageNeeds,
  readPackageNeeds,
} from "@cleanroom/rootfs";
import type { AdmittedPackage } from "../lock/admit-packages.ts";
import type { ImageContext, ImageRequest } from "../context.ts";
import type { AddedFile } from "./requested-state.ts";
import type { RemovedFile } from "./root-contents.ts";

/** What an image's packages ask for against rules, apart from files of theirs that it leaves out. */
export function imageForbiddenNeeds(
  packages: readonly PackageNeeds[],
  removed: readonly Pick<RemovedFile, "package" | "path">[],
  rules: readonly ForbidRule[],
): readonly ForbiddenNeed[] {
  const left = new Set(removed.map((file) => `${file.package} ${file.path}`));
  return forbiddenNeeds(
    packages.map((needs) => ({
      ...needs,
      files: needs.files.filter(({ path }) => !left.has(`${needs.nevra} ${path}`)),
    })),
    rules,
  );
}

/** What programs and libraries among the image's own files ask for. */
function addedNeeds(added: readonly AddedFile[]): PackageNeeds {
  const files = added.flatMap(({ path, content }) => {
    const needs = "bytes" in content ? readElfNeeds(content.bytes) : undefined;
    return needs === undefined ? [] : [{ path, needed: needs.needed, named: needs.named }];
  });
  const name = "files/";
  return { nevra: name, name, installedBytes: 0, provides: [], requires: [], files };
}

/**
 * Checks that nothing in an image needs what profiles forbid, whoever built it: headers, NEEDED
 * entries of each ELF file, and, as warnings, names for dlopen(3).
 *
 * @throws {CleanroomError} `image-forbidden`, with every file that needs something
 */
export async function checkForbidden(
  { store, logger }: ImageContext,
  { name, forbid = [] }: ImageRequest,
  packages: readonly AdmittedPackage[],
  removed: readonly RemovedFile[],
  added: readonly AddedFile[],
): Promise<void> {
  if (forbid.length === 0) return;
  const needs = await readPackageNeeds(
    store,
    packages.map(({ entry }) => entry),
  );
  const found = imageForbiddenNeeds([...needs, addedNeeds(added)], removed, forbid);
  for (const { package: nevra, by, need, rule, how } of found) {
    if (how !== "names") continue;
    logger.warning(`image ${name}: ${by} of ${nevra} names ${need}, as for dlopen (${rule})`);
  }
  const needed = found.filter(({ how }) => how === "needs");
  if (needed.length === 0) return;
  throw new CleanroomError(
    "image-forbidden",
    [
      `image ${name} holds what its profiles forbid:`,
      ...needed.map(
        ({ package: nevra, by, need, rule }) => `    ${nevra}: ${by} needs ${need} (${rule})`,
      ),
    ].join("\n"),
    {
      place: { step: `image ${name}` },
      hint: "`./cleanroom image why` tells what brings a package in; leave it out, or strip it with a profile",
    },
  );
}
