import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { type Json, uniqueName } from "@cleanroom/core";
import type { ImageContext } from "../context.ts";
import { type BuiltImage, inspectImage, layoutFolderName } from "../describe/image-record.ts";
import { imageReference } from "../describe/oci-image.ts";
import { megabytes } from "../sizes.ts";
import { tarEnd, tarHeader, tarPadding } from "../compose/tar-writer.ts";

/**
 * Writes an image as one archive: an OCI image layout in a tar (skopeo's and podman's
 * `oci-archive`), with the `manifest.json` that `docker load` asks for and podman's
 * `docker-archive` reads (Docker image specification 1.2, "Combined Image JSON + Filesystem
 * Changeset Format").
 *
 * @param folder the image's output folder
 * @param archive the file to write; replaced as a whole
 * @throws {CleanroomError} `image-missing`
 */
export async function saveImage(
  { logger }: Pick<ImageContext, "logger">,
  folder: string,
  archive: string,
): Promise<BuiltImage> {
  const image = await inspectImage(folder);
  logger.info(`writing ${archive}: ${megabytes(image.compressedBytes)}`);
  await writeArchive(
    path.join(folder, layoutFolderName),
    { name: image.name, manifest: image.digest, config: image.imageId },
    image.layers.map(({ digest }) => digest),
    archive,
  );
  return image;
}

/** An image in a layout: what engines call it, and the digests of its manifest and configuration. */
interface ArchivedImage {
  readonly name: string;
  readonly manifest: string;
  readonly config: string;
}

/** Writes a layout of one image as an archive, with what `docker load` asks for. */
export async function writeArchive(
  layout: string,
  image: ArchivedImage,
  layers: readonly string[],
  archive: string,
): Promise<void> {
  const names = [image.manifest, image.config, ...layers];
  await mkdir(path.dirname(archive), { recursive: true });
  const temporary = path.join(path.dirname(archive), uniqueName(`.${path.basename(archive)}`));
  const output = await open(temporary, "wx");
  try {
    const manifest = Buffer.from(JSON.stringify(dockerManifest(image, layers)));
    await output.writeFile(entry("manifest.json", manifest.length));
    await output.writeFile(manifest);
    await output.writeFile(tarPadding(manifest.length));
    for (const name of ["oci-layout", "index.json", ...new Set(names.map(blob))]) {
      const file = path.join(layout, name);
      const { size } = await stat(file);
      await output.writeFile(entry(name, size));
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
        await output.writeFile(chunk as Uint8Array);
      }
      await output.writeFile(tarPadding(size));
    }
    await output.writeFile(tarEnd);
    await output.sync();
    await output.close();
    await rename(temporary, archive);
  } catch (error) {
    await output.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A blob's path in an image layout (OCI image specification, image-layout.md). */
function blob(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

function entry(path: string, sizeBytes: number): Uint8Array {
  const owner = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 };
  return tarHeader({ path, type: "file", sizeBytes, ...owner });
}

function dockerManifest({ name, config }: ArchivedImage, layers: readonly string[]): Json {
  return [{ Config: blob(config), RepoTags: [imageReference(name)], Layers: layers.map(blob) }];
}
