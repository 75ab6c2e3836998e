import { readFile } from "node:fs/promises";
import path from "node:path";
import { canonicalJson, type Json, mapConcurrent, pathExists } from "@cleanroom/core";
import type { ImageContext } from "../context.ts";
import { inspectImage, layoutFolderName, referrersFolderName } from "../describe/image-record.ts";
import { mediaTypes } from "../describe/oci-image.ts";
import { parseReference, RegistryClient } from "./registry-client.ts";
import { findCredentials } from "./registry-credentials.ts";
import { type ImageKey, pushSignature, signManifest } from "./sign-image.ts";
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
 * Pushes a built image, or an index of several, with SBOMs and provenance to a registry. Blobs
 * that the registry has are not sent; manifests come last, so that nobody sees an image with a
 * part missing.
 *
 * @param folder an output folder, as `buildImage` and `indexImages` write them
 * @param reference `REGISTRY/REPOSITORY[:TAG]`
 * @param key signs what the tag names, and each image of an index; not signed when absent
 * @throws {CleanroomError} `image-missing`, `reference-invalid`, `registry-unauthorized`,
 *   `registry-failed`, `credentials-unreadable`
 */
export async function pushImage(
  { logger }: Pick<ImageContext, "logger">,
  folder: string,
  reference: string,
  key?: ImageKey,
): Promise<PushedImage> {
  const place = parseReference(reference);
  const client = new RegistryClient(place, await findCredentials(place.registry, process.env));
  const layout = path.join(folder, layoutFolderName);
  const top = await topOf(folder);
  const images =
    top.mediaType === mediaTypes.index
      ? (await readJson<{ manifests: readonly Descriptor[] }>(blobFile(layout, top.digest)))
          .manifests
      : [top];
  const sizes = { sentBytes: 0, sharedBytes: 0 };
  const blobs = (await Promise.all(images.map((image) => imageBlobs(layout, image)))).flat();
  const unique = [...new Map(blobs.map((one) => [one.digest, one])).values()];
  await mapConcurrent(unique, connections, async ({ digest, size }) => {
    if (await client.hasBlob(digest)) {
      sizes.sharedBytes += size;
      return;
    }
    await client.pushBlob(digest, blobFile(layout, digest));
    sizes.sentBytes += size;
  });
  for (const { digest, mediaType } of images) {
    if (digest === top.digest) continue;
    await client.putManifest(digest, mediaType, await readFile(blobFile(layout, digest)));
  }
  const manifest = await readFile(blobFile(layout, top.digest));
  await client.putManifest(place.tag, top.mediaType, manifest);
  await pushReferrers(client, path.join(folder, referrersFolderName));
  if (key !== undefined) {
    const repository = `${place.registry}/${place.repository}`;
    for (const { digest } of new Set([top, ...images])) {
      await pushSignature(client, signManifest(key, repository, digest));
    }
  }
  logger.info(
    `pushed ${reference}: ${megabytes(sizes.sentBytes)} sent, ${megabytes(sizes.sharedBytes)} there already`,
  );
  return { reference, digest: top.digest, ...sizes };
}

/** What the layout of an output folder is about: one manifest, or an index. */
async function topOf(folder: string): Promise<Descriptor> {
  const file = path.join(folder, layoutFolderName, "index.json");
  if (!(await pathExists(file))) await inspectImage(folder);
  const { manifests } = await readJson<{ manifests: readonly Descriptor[] }>(file);
  const [top] = manifests;
  if (top === undefined) throw new TypeError(`${file} names nothing`);
  return top;
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
  readonly subject?: Descriptor;
}

async function readJson<Value>(file: string): Promise<Value> {
  return JSON.parse(await readFile(file, "utf8")) as Value;
}

async function imageBlobs(
  layout: string,
  { digest }: Pick<Descriptor, "digest">,
): Promise<readonly Descriptor[]> {
  const { config, layers } = await readJson<Manifest>(blobFile(layout, digest));
  return [config, ...layers];
}

/**
 * Referrers of the image. A registry that does not keep `subject` by itself finds them through an
 * index under a tag made of the image's digest (OCI distribution specification 1.1, "Referrers
 * Tag Schema").
 */
async function pushReferrers(client: RegistryClient, layout: string): Promise<void> {
  const index = await readJson<{ manifests: readonly Descriptor[] }>(
    path.join(layout, "index.json"),
  );
  const unkept = new Map<string, Descriptor[]>();
  for (const descriptor of index.manifests) {
    const file = blobFile(layout, descriptor.digest);
    const { config, layers, subject } = await readJson<Manifest>(file);
    for (const { digest } of [config, ...layers]) {
      if (!(await client.hasBlob(digest))) await client.pushBlob(digest, blobFile(layout, digest));
    }
    const body = await readFile(file);
    if (await client.putManifest(descriptor.digest, descriptor.mediaType, body)) continue;
    const digest = subject?.digest ?? "";
    unkept.set(digest, [...(unkept.get(digest) ?? []), descriptor]);
  }
  for (const [digest, referrers] of unkept) {
    const tag = digest.replace(":", "-");
    const before = await client.manifest(tag, mediaTypes.index);
    const others =
      before === undefined ? [] : (JSON.parse(before) as { manifests: Descriptor[] }).manifests;
    const merged = new Map(
      [...others, ...referrers].map((descriptor) => [descriptor.digest, descriptor]),
    );
    const value = {
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [...merged.values()] as unknown as Json,
    };
    await client.putManifest(tag, mediaTypes.index, Buffer.from(canonicalJson(value)));
  }
}
