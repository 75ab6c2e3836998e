import { type Json, sha256Json, type Sha256 } from "@cleanroom/core";
import { nevraOf } from "@cleanroom/rootfs";
import type { AdmittedPackages } from "../lock/admit-packages.ts";
import type { Composition } from "../compose/compose.ts";
import type { ImageContext, ImageRequest } from "../context.ts";
import { policyRules } from "../compose/policy.ts";
import { dependencyGraph, type Need } from "../compose/dependency-graph.ts";
import type { ImageFile } from "../image-file.ts";
import {
  type BuiltFile,
  type BuiltImage,
  type BuiltPackage,
  imageRecordVersion,
  type PackageNeed,
} from "./image-record.ts";
import type { BuildStatement } from "../lock/build-statements.ts";
import type { ImageLock } from "../lock/lock-file.ts";
import { type JsonBlob, mediaTypes, ociImage } from "./oci-image.ts";

/** An image in all its descriptions. */
export interface DescribedImage {
  readonly built: BuiltImage;
  readonly contents: readonly BuiltFile[];
  readonly config: JsonBlob;
  readonly manifest: JsonBlob;
  readonly index: JsonBlob;
}

/** Describes a composed image: its configuration and manifest, its record, its files. */
export function describeImage(
  { tools }: Pick<ImageContext, "tools">,
  request: ImageRequest,
  image: ImageFile,
  lock: ImageLock,
  { packages }: AdmittedPackages,
  composition: Composition,
  statements: ReadonlyMap<Sha256, BuildStatement>,
): DescribedImage {
  const headers = packages.map(({ header }) => header);
  const nevra = (index: number): string => headers[index]?.nevra ?? "";
  const { config, manifest, index, runtime } = ociImage({
    name: request.name,
    arch: request.arch,
    created: composition.created,
    image,
    user: composition.user,
    compression: image.compression,
    layers: composition.layers.map(({ blob, sources }) => ({
      blob,
      sources,
      comment: sources.length === 0 ? "state" : sources.join(" "),
    })),
  });
  const graph = dependencyGraph(headers, image.packages);
  const needs = (list: readonly Need[]): PackageNeed[] => firstOfEach(list, nevra);
  const sum = (key: (layer: BuiltImage["layers"][number]) => number): number =>
    layers.reduce((total, layer) => total + key(layer), 0);
  const layers = composition.layers.map((layer) => ({
    digest: `sha256:${layer.blob.digest}`,
    diffId: `sha256:${layer.blob.diffId}`,
    mediaType: mediaTypes[image.compression],
    compressedBytes: layer.blob.compressedBytes,
    unpackedBytes: layer.unpackedBytes,
    files: layer.files,
    packages: layer.packages.map(nevra),
    sources: layer.sources,
  }));
  const built: BuiltImage = {
    version: imageRecordVersion,
    name: request.name,
    arch: request.arch,
    digest: manifest.descriptor.digest,
    imageId: config.descriptor.digest,
    created: composition.created,
    config: runtime,
    layers,
    packages: packages.map(({ entry, header }, at): BuiltPackage => ({
      nevra: nevraOf(entry),
      name: entry.name,
      sha256: header.headerSha256,
      unpackedBytes: composition.packageBytes[at] ?? 0,
      repository: entry.repository,
      sourceRpm: entry.sourceRpm,
      license: header.license,
      summary: header.summary,
      vendor: header.vendor,
      url: header.url,
      rpmSha256: entry.sha256,
      needs: needs(graph.needs[at] ?? []),
      ...(statements.has(entry.sha256) ? { provenance: statements.get(entry.sha256) } : {}),
    })),
    wanted: needs(graph.wanted),
    repositories: Object.fromEntries(request.repositories.map(({ id, digest }) => [id, digest])),
    lockSha256: lockDigest(lock),
    toolsDigest: tools.digest,
    policy: policyRules(image),
    removed: composition.removed,
    unpackedBytes: sum(({ unpackedBytes }) => unpackedBytes),
    compressedBytes: sum(({ compressedBytes }) => compressedBytes),
  };
  const contents = composition.contents.map(
    ({ path, mode, isLink, sizeBytes, content, package: index }): BuiltFile => ({
      path,
      mode: mode.toString(8).padStart(4, "0"),
      sizeBytes,
      ...(isLink ? { link: content } : { sha256: content }),
      ...(index === undefined ? {} : { package: nevra(index) }),
    }),
  );
  return { built, contents, config, manifest, index };
}

/** The digest of what a lock says of packages: whichever state the repositories were in. */
export function lockDigest({ packages, layers }: ImageLock): Sha256 {
  return sha256Json([packages, layers] as Json);
}

/** One need a package: the first capability that names it is enough to say why. */
function firstOfEach(needs: readonly Need[], nevra: (index: number) => string): PackageNeed[] {
  const found = new Map<number, string>();
  for (const { supplier, capability } of needs) {
    if (!found.has(supplier)) found.set(supplier, capability);
  }
  return [...found].map(([supplier, capability]) => ({ package: nevra(supplier), capability }));
}
