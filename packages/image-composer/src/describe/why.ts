import { CleanroomError } from "@cleanroom/core";
import { chainTo, type DependencyGraph, type Need } from "../compose/dependency-graph.ts";
import type { BuiltFile, BuiltImage, PackageNeed } from "./image-record.ts";

/** Why something is in an image. */
export interface Reason {
  /** NEVRA of the package that holds or provides it; absent for a file of the state layer. */
  readonly package?: string;
  /** `image -> glib2 -> libffi8 (libffi.so.8)` */
  readonly chain: string;
  /** Who needs the package, and for what. */
  readonly neededBy: readonly { readonly package: string; readonly capability: string }[];
}

/**
 * Says how a package (name or NEVRA), a file (absolute path) or a capability that something needs
 * came into an image.
 *
 * @throws {CleanroomError} `not-in-image`
 */
export function whyInImage(
  image: BuiltImage,
  contents: readonly BuiltFile[],
  what: string,
): readonly Reason[] {
  if (what.startsWith("/")) {
    const file = contents.find(({ path }) => path === what);
    if (file !== undefined && file.package === undefined) {
      return [{ chain: "state layer: made by installation or by image.yaml", neededBy: [] }];
    }
    if (file?.package !== undefined) return [reasonFor(image, file.package)];
  }
  const packages = image.packages.filter(({ name, nevra }) => name === what || nevra === what);
  const nevras =
    packages.length > 0 ? packages.map(({ nevra }) => nevra) : suppliersOf(image, what);
  if (nevras.length > 0) return nevras.map((nevra) => reasonFor(image, nevra));
  throw new CleanroomError("not-in-image", `${what} is not in the image ${image.name}`, {
    exitCode: 2,
    hint: "name a package, an absolute path, or a capability that a package of the image needs",
  });
}

function suppliersOf(image: BuiltImage, capability: string): readonly string[] {
  const needs = [...image.wanted, ...image.packages.flatMap((one) => one.needs)];
  const named = (text: string): boolean =>
    text === capability || text.split(/[\s(]/, 1)[0] === capability;
  return [
    ...new Set(needs.filter((need) => named(need.capability)).map((need) => need.package)),
  ].toSorted();
}

function reasonFor(image: BuiltImage, nevra: string): Reason {
  const indexes = new Map(image.packages.map((one, index) => [one.nevra, index]));
  const edges = (needs: readonly PackageNeed[]): Need[] =>
    needs.map(({ package: supplier, capability }) => ({
      supplier: indexes.get(supplier) ?? -1,
      capability,
    }));
  const graph: DependencyGraph = {
    needs: image.packages.map(({ needs }) => edges(needs)),
    wanted: edges(image.wanted),
  };
  const by = (from: string, needs: readonly PackageNeed[]): Reason["neededBy"] =>
    needs
      .filter((need) => need.package === nevra)
      .map(({ capability }) => ({ package: from, capability }));
  return {
    package: nevra,
    chain: chainTo(graph, image.packages, indexes.get(nevra) ?? -1),
    neededBy: [
      ...by("image", image.wanted),
      ...image.packages.flatMap((one) => by(one.nevra, one.needs)),
    ],
  };
}
