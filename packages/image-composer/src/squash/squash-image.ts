import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { createGunzip } from "node:zlib";
import { CleanroomError, type Json, run } from "@cleanroom/core";
import { tarEnd, tarHeader, tarPadding } from "../compose/tar-writer.ts";
import type { ImageContext } from "../context.ts";
import { imageIndex, type JsonBlob, jsonBlob, mediaTypes } from "../describe/oci-image.ts";
import { PackJob } from "../compose/pack-job.ts";
import { unpackZstd } from "../describe/zstd-frames.ts";
import { writeArchive } from "../deliver/save-image.ts";
import { megabytes } from "../sizes.ts";
import { type Fate, type HiddenFile, type LayerEntry, stackLayers } from "./stack-layers.ts";
import { type ReadEntry, readTar } from "./tar-reader.ts";

/** What a squash made, and what was hidden in the image before. */
export interface SquashedImage {
  /** The archive: an OCI image layout that docker and podman load. */
  readonly archive: string;
  /** `sha256:...` of the manifest. */
  readonly digest: string;
  /** Layers before. */
  readonly layers: number;
  readonly compressedBytes: { readonly before: number; readonly after: number };
  readonly unpackedBytes: { readonly before: number; readonly after: number };
  /** By layer, those that hide something in them, the most bytes first. */
  readonly hidden: readonly HiddenFile[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface SourceImage {
  readonly layout: string;
  readonly config: Record<string, Json>;
  readonly layers: readonly Descriptor[];
}

/**
 * Makes one layer of all of an image's layers and keeps its configuration. Any image that skopeo
 * reads will do, whoever made it.
 *
 * @param source a folder with an OCI image layout, an archive, or a reference as skopeo has them
 *   (`docker://...`, `containers-storage:...`); a bare reference is one in a registry
 * @param name what engines call the result, as `localhost/NAME:latest`
 * @param archive the file to write; replaced as a whole
 * @throws {CleanroomError} `image-unreadable`, `layer-damaged`
 */
export async function squashImage(
  context: ImageContext,
  source: string,
  name: string,
  archive: string,
): Promise<SquashedImage> {
  return context.store.withTemporaryFolder("squash", async (folder) => {
    const image = await readSource(source, path.join(folder, "source"));
    const layers: LayerEntry[][] = [];
    for (const layer of image.layers) {
      const entries: LayerEntry[] = [];
      for await (const { path, type, sizeBytes, linkTarget } of layerOf(image, layer)) {
        entries.push({ path, type, sizeBytes, linkTarget });
      }
      layers.push(entries);
    }
    const { fates, hidden } = stackLayers(layers);
    const work = path.join(folder, "work");
    await mkdir(work);
    const { diffId, sizeBytes } = await writeLayer(image, fates, path.join(work, "layer"));
    const job = new PackJob(context.store, [work]);
    job.addArchive("layer.gz", path.join(work, "layer"), sizeBytes, diffId);
    await job.run(context, work, "gzip");
    const layer = await context.store.takeFile(path.join(work, "layer.gz"));
    const squashed = describe(image, name, diffId, layer.sha256, layer.size);
    const layout = path.join(folder, "layout");
    await writeLayout(layout, squashed);
    await context.store.materialize(layer.sha256, path.join(layout, "blobs/sha256", layer.sha256));
    const { config, manifest } = squashed;
    const layerDigest = `sha256:${layer.sha256}`;
    await writeArchive(
      layout,
      { name, manifest: manifest.descriptor.digest, config: config.descriptor.digest },
      [layerDigest],
      archive,
    );
    const total = (list: readonly { readonly sizeBytes: number }[]): number =>
      list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return {
      archive,
      digest: manifest.descriptor.digest,
      layers: layers.length,
      compressedBytes: {
        before: image.layers.reduce((sum, { size }) => sum + size, 0),
        after: layer.size,
      },
      unpackedBytes: {
        before: total(layers.flat()),
        after: total(layers.flat()) - total(hidden),
      },
      hidden: hidden.toSorted((a, b) => a.layer - b.layer || b.sizeBytes - a.sizeBytes),
    };
  });
}

/** How many hidden files of a layer are named. */
const namedMax = 10;

/** A squash in words: what it saved, and by layer what had been hidden. */
export function squashLines(squashed: SquashedImage): readonly string[] {
  const { hidden, compressedBytes, layers } = squashed;
  const sum = (files: readonly HiddenFile[]): string =>
    megabytes(files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0));
  return [
    `${layers} layers, ${megabytes(compressedBytes.before)} compressed -> 1 layer, ${megabytes(compressedBytes.after)}`,
    hidden.length === 0
      ? "nothing was hidden: no layer deleted or replaced a file of another"
      : `${hidden.length} files, ${sum(hidden)}, were pulled and never seen:`,
    ...Map.groupBy(hidden, ({ layer }) => layer)
      .entries()
      .flatMap(([layer, files]) => [
        `  layer ${layer + 1}: ${files.length} files, ${sum(files)}`,
        ...files
          .slice(0, namedMax)
          .map(
            ({ path, sizeBytes, by, how }) =>
              `    /${path}: ${megabytes(sizeBytes)}, ${how} by layer ${by + 1}`,
          ),
        ...(files.length > namedMax ? [`    and ${files.length - namedMax} more`] : []),
      ]),
  ];
}

/** skopeo's name of a source: with the transport that fits. */
function skopeoSource(source: string, isFolder: boolean, isFile: boolean): string {
  if (
    /^(docker|dir|oci|oci-archive|docker-archive|docker-daemon|containers-storage):/.test(source)
  ) {
    return source;
  }
  if (isFolder) return `oci:${source}`;
  return isFile ? `oci-archive:${source}` : `docker://${source}`;
}

async function readSource(source: string, target: string): Promise<SourceImage> {
  const stats = existsSync(source) ? await stat(source) : undefined;
  const from = skopeoSource(source, stats?.isDirectory() === true, stats?.isFile() === true);
  const copy = async (from: string): Promise<void> => {
    const insecure = /^docker:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/)/.test(from);
    const flags = insecure ? ["--src-tls-verify=false"] : [];
    await run(
      "skopeo",
      ["copy", "--quiet", "--insecure-policy", ...flags, from, `oci:${target}:x`],
      {
        step: "read the image",
        hint: "name an OCI layout, an archive or a reference; skopeo inspect says what it reads",
      },
    );
  };
  try {
    await copy(from);
  } catch (error) {
    // An archive of docker save has no index; which kind it is shows only on reading.
    if (!from.startsWith("oci-archive:") || from === source) throw error;
    await copy(`docker-archive:${source}`);
  }
  const json = async <Value>(file: string): Promise<Value> =>
    JSON.parse(await readFile(file, "utf8")) as Value;
  const blob = (digest: string): string => path.join(target, "blobs", digest.replace(":", "/"));
  const index = await json<{ manifests: Descriptor[] }>(path.join(target, "index.json"));
  const [entry] = index.manifests;
  if (entry === undefined) {
    throw new CleanroomError("image-unreadable", `${source} holds no image`, { exitCode: 2 });
  }
  const manifest = await json<{ config: Descriptor; layers: Descriptor[] }>(blob(entry.digest));
  return {
    layout: target,
    config: await json<Record<string, Json>>(blob(manifest.config.digest)),
    layers: manifest.layers,
  };
}

function layerOf({ layout }: SourceImage, layer: Descriptor): AsyncGenerator<ReadEntry> {
  const blob = path.join(layout, "blobs", layer.digest.replace(":", "/"));
  if (layer.mediaType.endsWith("zstd")) return readTar(unpackZstd(blob));
  const file = createReadStream(blob, { highWaterMark: 1 << 20 });
  return readTar(layer.mediaType.endsWith("gzip") ? file.pipe(createGunzip()) : file);
}

/** @returns the digest of the archive, its diffID, and its size */
async function writeLayer(
  image: SourceImage,
  fates: readonly (readonly Fate[])[],
  target: string,
): Promise<{ readonly diffId: string; readonly sizeBytes: number }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const output = await open(target, "wx");
  const write = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    sizeBytes += bytes.length;
    await output.writeFile(bytes);
  };
  try {
    for (const [layer, descriptor] of image.layers.entries()) {
      let index = 0;
      for await (const entry of layerOf(image, descriptor)) {
        const fate = fates[layer]?.[index] ?? "drop";
        index += 1;
        if (fate === "drop") continue;
        await write(headerFor(entry, fate));
        for await (const chunk of entry.data) await write(chunk);
        await write(tarPadding(entry.sizeBytes));
      }
    }
    await write(tarEnd);
  } finally {
    await output.close();
  }
  return { diffId: hash.digest("hex"), sizeBytes };
}

function headerFor(entry: ReadEntry, fate: Exclude<Fate, "drop">): Uint8Array {
  if (fate === "keep") return entry.header;
  const { mode, uid, gid, mtimeSeconds, sizeBytes, attributes } = entry;
  const plain = { mode, uid, gid, mtimeSeconds, sizeBytes, attributes };
  return "path" in fate
    ? tarHeader({ ...plain, path: fate.path, type: "file" })
    : tarHeader({ ...plain, path: entry.path, type: "link", linkTarget: fate.linkTarget });
}

interface Squashed {
  readonly config: JsonBlob;
  readonly manifest: JsonBlob;
  readonly index: JsonBlob;
}

/** The configuration is the old one, but for what it says of layers. */
function describe(
  image: SourceImage,
  name: string,
  diffId: string,
  digest: string,
  size: number,
): Squashed {
  const created = image.config["created"];
  const config = jsonBlob(mediaTypes.config, {
    ...image.config,
    rootfs: { type: "layers", diff_ids: [`sha256:${diffId}`] },
    history: [
      {
        ...(created === undefined ? {} : { created }),
        created_by: "cleanroom image squash",
        comment: `${image.layers.length} layers in one`,
      },
    ],
  });
  const manifest = jsonBlob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [{ mediaType: mediaTypes.gzip, digest: `sha256:${digest}`, size }],
  });
  const { architecture = "", os = "linux" } = image.config;
  const index = imageIndex(name, [{ ...manifest.descriptor, platform: { architecture, os } }]);
  return { config, manifest, index };
}

async function writeLayout(folder: string, { config, manifest, index }: Squashed): Promise<void> {
  await mkdir(path.join(folder, "blobs/sha256"), { recursive: true });
  await writeFile(path.join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(path.join(folder, "index.json"), index.bytes);
  for (const { bytes, descriptor } of [config, manifest]) {
    await writeFile(path.join(folder, "blobs", descriptor.digest.replace(":", "/")), bytes);
  }
}
