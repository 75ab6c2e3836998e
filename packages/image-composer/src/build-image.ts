import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import {
  type ActionResult,
  CleanroomError,
  type Json,
  mapConcurrent,
  removeFolder,
  replaceFolder,
  type Sha256,
  sha256Json,
  uniqueName,
} from "@cleanroom/core";
import { compose } from "./compose/compose.ts";
import { packKey } from "./compose/compression.ts";
import type { ImageContext, ImageRequest } from "./context.ts";
import { describeImage, type DescribedImage, lockDigest } from "./describe/describe-image.ts";
import { type ImageFile, readImageFile } from "./image-file.ts";
import {
  type BuiltImage,
  contentsFileName,
  imageRecordVersion,
  layoutFolderName,
  readRecord,
  recordFileName,
  referrersFolderName,
} from "./describe/image-record.ts";
import { buildStatements } from "./lock/build-statements.ts";
import { type ImageLock, readImageLock } from "./lock/lock-file.ts";
import { lockedPackages } from "./lock/lock-image.ts";
import type { JsonBlob } from "./describe/oci-image.ts";
import { checkPolicy } from "./compose/policy.ts";
import { checkForbidden } from "./compose/proof.ts";
import { emptyConfig, referrersIndex, referrersOf } from "./describe/referrers.ts";
import { addedFilesJson, readAddedFiles } from "./compose/requested-state.ts";
import { megabytes } from "./sizes.ts";

/** Raised when the same input would give another image. */
const imageEpoch = 7;

export interface BuildOptions {
  /** Host folder for the result, such as `dist/images/hello`; replaced as a whole. */
  readonly output: string;
}

/**
 * Builds an image of exactly the locked packages. An unchanged one is found by its action key,
 * and the output folder is left as it is.
 *
 * @throws {CleanroomError} `image-lock-missing`, `image-lock-stale`, `policy-violated`,
 *   `image-forbidden`,
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
    ...["image", imageEpoch, imageRecordVersion, packKey(context, image.compression), request.name],
    (request.forbid ?? []).map(({ name }) => name),
    ...[lockDigest(lock), image as unknown as Json],
    addedFilesJson(added),
    ...(image.locales.length === 0 ? [] : [(await context.locales?.())?.digest]),
  ]);
  const known = await store.action(key);
  const record = known?.outputs.find(({ name }) => name === recordFileName);
  if (known !== undefined && record !== undefined) {
    const facts = known.facts["image"] as unknown as BuiltImage;
    if (before?.digest !== facts.digest || !(await isWhole(options.output, before))) {
      await writeOutput(context, options.output, known.outputs, new Set());
    }
    return facts;
  }
  const admitted = await lockedPackages(context, request, lock);
  // What the output folder holds is believed, as it is when nothing changed.
  const verified = new Set<Sha256>();
  if (before !== undefined && (await isWhole(options.output, before))) {
    for (const { digest } of before.layers) verified.add(digest.replace("sha256:", ""));
  }
  const composition = await compose(context, {
    ...{ request, image, added, admitted },
    layers: lock.layers,
  });
  checkPolicy(request.name, {
    image,
    headers: admitted.packages.map(({ header }) => header),
    contents: composition.contents,
    directories: composition.directories,
    unpackedBytes: composition.layers.reduce((sum, layer) => sum + layer.unpackedBytes, 0),
    packageBytes: composition.packageBytes,
  });
  await checkForbidden(context, request, admitted.packages, composition.removed, added);
  const statements = await buildStatements(request.repositories);
  const described = describeImage(context, request, image, lock, admitted, composition, statements);
  const { built } = described;
  const outputs: OutputBlob[] = composition.layers.map(({ blob }) => ({
    name: layerPath(blob.digest),
    sha256: blob.digest,
    size: blob.compressedBytes,
  }));
  // Each put waits for the disk: together they wait once.
  const small = [...outputFiles(described)];
  const put = await mapConcurrent(small, small.length, async ([name, bytes]) => ({
    name,
    ...(await store.put(bytes)),
  }));
  outputs.push(...put);
  for (const digest of [...composition.madeLayers, ...put.map(({ sha256 }) => sha256)]) {
    verified.add(digest);
  }
  await store.putAction(key, { outputs, facts: { image: built as unknown as Json } });
  await writeOutput(context, options.output, outputs, verified);
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

/** A file of the output folder, as a blob of the store. */
type OutputBlob = ActionResult["outputs"][number];

function layerPath(digest: string): string {
  return `${layoutFolderName}/blobs/sha256/${digest}`;
}

/** The small files of the output folder by their paths in it. */
function outputFiles(described: DescribedImage): ReadonlyMap<string, Uint8Array> {
  const { built, contents, config, manifest, index } = described;
  const files = new Map<string, Uint8Array>();
  const layout = (folder: string, index: Uint8Array, blobs: readonly JsonBlob[]): void => {
    files.set(`${folder}/oci-layout`, Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    files.set(`${folder}/index.json`, index);
    for (const { bytes, descriptor } of blobs) {
      files.set(`${folder}/blobs/${descriptor.digest.replace(":", "/")}`, bytes);
    }
  };
  layout(layoutFolderName, index.bytes, [config, manifest]);
  const referrers = referrersOf(built, manifest.descriptor);
  layout(referrersFolderName, referrersIndex(referrers), [
    emptyConfig,
    ...referrers.flatMap(({ document, manifest }) => [document, manifest]),
  ]);
  for (const { fileName, document } of referrers) files.set(fileName, document.bytes);
  files.set(recordFileName, Buffer.from(`${JSON.stringify(built, null, 1)}\n`));
  files.set(
    contentsFileName,
    Buffer.from(`[\n${contents.map((file) => JSON.stringify(file)).join(",\n")}\n]\n`),
  );
  return files;
}

/**
 * Writes the output folder: by hard links to the store's blobs where possible.
 *
 * @param verified blobs that need not be read
 */
async function writeOutput(
  { store }: ImageContext,
  output: string,
  outputs: readonly OutputBlob[],
  verified: ReadonlySet<Sha256>,
): Promise<void> {
  await mkdir(path.dirname(output), { recursive: true });
  const folder = path.join(path.dirname(output), uniqueName(`.${path.basename(output)}`));
  try {
    for (const { name, sha256 } of outputs) {
      const verify = !verified.has(sha256);
      await store.materialize(sha256, path.join(folder, name), { verify });
    }
    await replaceFolder(folder, output);
  } finally {
    await removeFolder(folder);
  }
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
