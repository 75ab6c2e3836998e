import { mkdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, type Json, replaceFolder, sha256Json } from "@cleanroom/core";
import { nevraOf } from "@cleanroom/rootfs";
import type { AdmittedPackages } from "./admit-packages.ts";
import { compose, type Composition } from "./compose.ts";
import { compressEpoch } from "./compress.ts";
import type { ImageContext, ImageRequest } from "./context.ts";
import { type ImageFile, readImageFile } from "./image-file.ts";
import {
  type BuiltImage,
  type BuiltPackage,
  imageRecordVersion,
  layoutFolderName,
  readRecord,
  recordFileName,
} from "./image-record.ts";
import { type ImageLock, readImageLock } from "./lock-file.ts";
import { lockedPackages } from "./lock-image.ts";
import { mediaTypes, ociImage } from "./oci-image.ts";
import { checkPolicy } from "./policy.ts";
import { addedFilesJson, readAddedFiles } from "./requested-state.ts";
import { megabytes } from "./sizes.ts";

/** Raised when the same input would give another image. */
const imageEpoch = 1;

export interface BuildOptions {
  /** Host folder for the result, such as `dist/images/hello`; replaced as a whole. */
  readonly output: string;
}

/**
 * Builds an image of exactly the locked packages. An unchanged one is found by its action key,
 * and the output folder is left as it is.
 *
 * @throws {CleanroomError} `image-lock-missing`, `image-lock-stale`, `policy-violated`,
 *   `account-unknown`, `account-conflict`, `image-file-missing`, and those of the steps
 */
export async function buildImage(
  context: ImageContext,
  request: ImageRequest,
  options: BuildOptions,
): Promise<BuiltImage> {
  const { store, logger } = context;
  const image = await readImageFile(request.folder);
  const lock = await usableLock(request, image);
  const added = await readAddedFiles(request.folder);
  const before = await readRecord(options.output);
  const key = sha256Json([
    ...["image", imageEpoch, imageRecordVersion, compressEpoch, context.tools.digest, request.name],
    ...[lock.packages as unknown as Json, lock.layers, image as unknown as Json],
    addedFilesJson(added),
  ]);
  const known = await store.action(key);
  const record = known?.outputs.find(({ name }) => name === recordFileName);
  if (known !== undefined && record !== undefined) {
    const facts = known.facts["image"] as unknown as BuiltImage;
    if (before?.digest !== facts.digest || !(await isWhole(options.output, before))) {
      await writeOutput(context, options.output, facts, known.outputs);
    }
    return facts;
  }
  const admitted = await lockedPackages(context, request, lock);
  const composition = await compose(context, {
    ...{ request, image, added, admitted },
    layers: lock.layers,
  });
  checkPolicy(request.name, {
    image,
    headers: admitted.packages.map(({ header }) => header),
    contents: composition.contents,
    unpackedBytes: composition.layers.reduce((sum, layer) => sum + layer.unpackedBytes, 0),
  });
  const { built, blobs } = describe(request, image, admitted, composition);
  const outputs = composition.layers.map(({ blob }) => ({
    name: `sha256:${blob.digest}`,
    sha256: blob.digest,
    size: blob.compressedBytes,
  }));
  for (const [name, bytes] of blobs) outputs.push({ name, ...(await store.put(bytes)) });
  await store.putAction(key, { outputs, facts: { image: built as unknown as Json } });
  await writeOutput(context, options.output, built, outputs);
  logger.info(
    `image ${request.name}: ${built.packages.length} packages in ${built.layers.length} layers, ${megabytes(built.unpackedBytes)} unpacked, ${megabytes(built.compressedBytes)} compressed`,
  );
  return built;
}

/** A lock that is there and answers what image.yaml asks now. */
async function usableLock(request: ImageRequest, image: ImageFile): Promise<ImageLock> {
  const lock = await readImageLock(request.folder);
  const hint = `./cleanroom image lock ${request.name}`;
  const place = { step: `image ${request.name}` };
  if (lock === undefined) {
    throw new CleanroomError("image-lock-missing", "image.lock.yaml is not there", {
      ...{ place, hint, exitCode: 2 },
    });
  }
  const requires = [...new Set(image.packages)].toSorted();
  if (lock.arch === request.arch && lock.requires.join("\n") === requires.join("\n")) return lock;
  throw new CleanroomError(
    "image-lock-stale",
    "image.yaml asks for other packages than image.lock.yaml was made for",
    { place, hint, exitCode: 2 },
  );
}

const indexName = "index.json";

/** The record of the image, and the blobs of it that are not layers, by name. */
function describe(
  request: ImageRequest,
  image: ImageFile,
  { packages }: AdmittedPackages,
  composition: Composition,
): { built: BuiltImage; blobs: ReadonlyMap<string, Uint8Array> } {
  const nevra = (index: number): string => packages[index]?.header.nevra ?? "";
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
  const built: BuiltImage = {
    version: imageRecordVersion,
    name: request.name,
    arch: request.arch,
    digest: manifest.descriptor.digest,
    imageId: config.descriptor.digest,
    created: composition.created,
    config: runtime,
    layers: composition.layers.map((layer) => ({
      digest: `sha256:${layer.blob.digest}`,
      diffId: `sha256:${layer.blob.diffId}`,
      mediaType: mediaTypes[image.compression],
      compressedBytes: layer.blob.compressedBytes,
      unpackedBytes: layer.unpackedBytes,
      files: layer.files,
      packages: layer.packages.map(nevra),
      sources: layer.sources,
    })),
    packages: packages.map(({ entry, header }, at): BuiltPackage => ({
      nevra: nevraOf(entry),
      name: entry.name,
      sha256: header.headerSha256,
      unpackedBytes: composition.packageBytes[at] ?? 0,
      repository: entry.repository,
      sourceRpm: entry.sourceRpm,
      license: header.license,
      summary: header.summary,
    })),
    removed: composition.removed,
    unpackedBytes: composition.layers.reduce((sum, layer) => sum + layer.unpackedBytes, 0),
    compressedBytes: composition.layers.reduce((sum, { blob }) => sum + blob.compressedBytes, 0),
  };
  return {
    built,
    blobs: new Map([
      [config.descriptor.digest, config.bytes],
      [manifest.descriptor.digest, manifest.bytes],
      [indexName, index.bytes],
      [recordFileName, Buffer.from(`${JSON.stringify(built, null, 1)}\n`)],
    ]),
  };
}

/** Writes the output folder: the layout by hard links to the store's blobs where possible. */
async function writeOutput(
  { store }: ImageContext,
  output: string,
  built: BuiltImage,
  outputs: readonly { readonly name: string; readonly sha256: string }[],
): Promise<void> {
  await mkdir(path.dirname(output), { recursive: true });
  const folder = path.join(
    path.dirname(output),
    `.${path.basename(output)}.${process.pid}.${built.digest.slice(7, 19)}`,
  );
  const layout = path.join(folder, layoutFolderName);
  await mkdir(path.join(layout, "blobs/sha256"), { recursive: true });
  await writeFile(path.join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  for (const { name, sha256 } of outputs) {
    const target =
      name === recordFileName
        ? path.join(folder, recordFileName)
        : name === indexName
          ? path.join(layout, indexName)
          : path.join(layout, "blobs/sha256", sha256);
    await store.materialize(sha256, target);
  }
  await replaceFolder(folder, output);
}

/** Whether the output folder still holds every blob of its image, by size. */
async function isWhole(output: string, built: BuiltImage): Promise<boolean> {
  const blob = (digest: string): string =>
    path.join(output, layoutFolderName, "blobs/sha256", digest.replace("sha256:", ""));
  const sizes = await Promise.all(
    [built.digest, built.imageId, ...built.layers.map(({ digest }) => digest)].map((digest) =>
      stat(blob(digest)).then(
        ({ size }) => size,
        () => -1,
      ),
    ),
  );
  return (
    sizes.every((size) => size > 0) &&
    built.layers.every(({ compressedBytes }, index) => sizes[index + 2] === compressedBytes)
  );
}
