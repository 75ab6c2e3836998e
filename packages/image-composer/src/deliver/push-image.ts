import { readFile } from "node:fs/promises";
import path from "node:path";
import { canonicalJson, type Json, mapConcurrent } from "@cleanroom/core";
import type { ImageContext } from "../context.ts";
import {
  type BuiltImage,
  inspectImage,
  layoutFolderName,
  referrersFolderName,
} from "../describe/image-record.ts";
import { mediaTypes } from "../describe/oci-image.ts";
import { parseReference, RegistryClient } from "./registry-client.ts";
import { findCredentials } from "./registry-credentials.ts";
import { megabytes } from "../sizes.ts";

/** What a push did. */
export interface PushedImage {
  readonly reference: string;
  /** Of the manifest. */
  readonly digest: string;
  /** Bytes of blobs that the registry did not have. */
  readonly sentBytes: number;
  /** Bytes of blobs that it had. */
  readonly sharedBytes: number;
}

/** Uploads under way at once. */
const connections = 3;

/**
 * Pushes a built image with its SBOMs and provenance to a registry. Blobs that the registry has
 * are not sent; manifests come last, so that nobody sees an image with a part missing.
 *
 * @param reference `REGISTRY/REPOSITORY[:TAG]`
 * @throws {CleanroomError} `image-missing`, `reference-invalid`, `registry-unauthorized`,
 *   `registry-failed`, `credentials-unreadable`
 */
export async function pushImage(
  { logger }: Pick<ImageContext, "logger">,
  folder: string,
  reference: string,
): Promise<PushedImage> {
  const image = await inspectImage(folder);
  const place = parseReference(reference);
  const client = new RegistryClient(place, await findCredentials(place.registry, process.env));
  const layout = path.join(folder, layoutFolderName);
  const sizes = { sentBytes: 0, sharedBytes: 0 };
  await mapConcurrent(await imageBlobs(layout, image), connections, async ({ digest, size }) => {
    if (await client.hasBlob(digest)) {
      sizes.sharedBytes += size;
      return;
    }
    await client.pushBlob(digest, blobFile(layout, digest));
    sizes.sentBytes += size;
  });
  const manifest = await readFile(blobFile(layout, image.digest));
  await client.putManifest(place.tag, mediaTypes.manifest, manifest);
  await pushReferrers(client, path.join(folder, referrersFolderName), image);
  logger.info(
    `pushed ${reference}: ${megabytes(sizes.sentBytes)} sent, ${megabytes(sizes.sharedBytes)} there already`,
  );
  return { reference, digest: image.digest, ...sizes };
}

function blobFile(layout: string, digest: string): string {
  return path.join(layout, "blobs", digest.replace(":", "/"));
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

async function readJson<Value>(file: string): Promise<Value> {
  return JSON.parse(await readFile(file, "utf8")) as Value;
}

async function imageBlobs(layout: string, image: BuiltImage): Promise<readonly Descriptor[]> {
  const { config, layers } = await readJson<Manifest>(blobFile(layout, image.digest));
  const blobs = [config, ...layers];
  return [...new Map(blobs.map((one) => [one.digest, one])).values()];
}

/**
 * Referrers of the image. A registry that does not keep `subject` by itself finds them through an
 * index under a tag made of the image's digest (OCI distribution specification 1.1, "Referrers
 * Tag Schema").
 */
async function pushReferrers(
  client: RegistryClient,
  layout: string,
  image: BuiltImage,
): Promise<void> {
  const index = await readJson<{ manifests: readonly Descriptor[] }>(
    path.join(layout, "index.json"),
  );
  let isKept = true;
  for (const descriptor of index.manifests) {
    const file = blobFile(layout, descriptor.digest);
    const { config, layers } = await readJson<Manifest>(file);
    for (const { digest } of [config, ...layers]) {
      if (!(await client.hasBlob(digest))) await client.pushBlob(digest, blobFile(layout, digest));
    }
    const body = await readFile(file);
    isKept = (await client.putManifest(descriptor.digest, descriptor.mediaType, body)) && isKept;
  }
  if (isKept) return;
  const tag = image.digest.replace(":", "-");
  const before = await client.manifest(tag, mediaTypes.index);
  const others =
    before === undefined ? [] : (JSON.parse(before) as { manifests: Descriptor[] }).manifests;
  const merged = new Map(
    [...others, ...index.manifests].map((descriptor) => [descriptor.digest, descriptor]),
  );
  const value = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [...merged.values()] as unknown as Json,
  };
  await client.putManifest(tag, mediaTypes.index, Buffer.from(canonicalJson(value)));
}
