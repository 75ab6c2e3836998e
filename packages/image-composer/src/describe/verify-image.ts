import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createGunzip } from "node:zlib";
import { CleanroomError, messageOf, sha256File } from "@cleanroom/core";
import { type BuiltImage, inspectImage, layoutFolderName } from "./image-record.ts";
import { mediaTypes } from "./oci-image.ts";
import { unpackZstd } from "./zstd-frames.ts";

/**
 * Reads a built image again: every blob against its digest, every layer against its diffID, and
 * what index, manifest and configuration say of each other.
 *
 * @param folder the image's output folder
 * @throws {CleanroomError} `image-missing`, `image-damaged`
 */
export async function verifyImage(folder: string): Promise<BuiltImage> {
  const image = await inspectImage(folder);
  const layout = path.join(folder, layoutFolderName);
  const blob = (digest: string): string => path.join(layout, "blobs", ...digest.split(":", 2));
  const damaged = (file: string, why: string): CleanroomError =>
    new CleanroomError("image-damaged", why, {
      place: { file },
      hint: `remove ${folder} and build the image again`,
    });
  const checked = async <Result>(file: string, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CleanroomError) throw error;
      throw damaged(file, messageOf(error));
    }
  };
  for (const digest of [image.digest, image.imageId, ...image.layers.map((one) => one.digest)]) {
    const actual = await checked(blob(digest), () => sha256File(blob(digest)));
    if (`sha256:${actual}` !== digest) throw damaged(blob(digest), `its digest is ${actual}`);
  }
  const json = async <Value>(file: string): Promise<Value> =>
    checked(file, async () => JSON.parse(await readFile(file, "utf8")) as Value);
  const index = await json<{ manifests: { digest: string }[] }>(path.join(layout, "index.json"));
  if (index.manifests.length !== 1 || index.manifests[0]?.digest !== image.digest) {
    throw damaged(path.join(layout, "index.json"), `it does not name ${image.digest}`);
  }
  const manifest = await json<{ config: { digest: string }; layers: { digest: string }[] }>(
    blob(image.digest),
  );
  const config = await json<{ rootfs: { diff_ids: string[] } }>(blob(image.imageId));
  if (
    manifest.config.digest !== image.imageId ||
    !same(
      manifest.layers.map((one) => one.digest),
      image.layers.map((one) => one.digest),
    ) ||
    !same(
      config.rootfs.diff_ids,
      image.layers.map((one) => one.diffId),
    )
  ) {
    throw damaged(blob(image.digest), "manifest, configuration and image.json do not agree");
  }
  for (const { digest, diffId, mediaType } of image.layers) {
    const actual = await checked(blob(digest), () => plainDigest(blob(digest), mediaType));
    if (`sha256:${actual}` !== diffId) throw damaged(blob(digest), `its diffID is ${actual}`);
  }
  return image;
}

function same(found: readonly string[], expected: readonly string[]): boolean {
  return found.join(" ") === expected.join(" ");
}

async function plainDigest(file: string, mediaType: string): Promise<string> {
  const hash = createHash("sha256");
  const plain = mediaType === mediaTypes.gzip ? unpackGzip(file) : unpackZstd(file);
  for await (const chunk of plain) hash.update(chunk);
  return hash.digest("hex");
}

function unpackGzip(file: string): AsyncIterable<Uint8Array> {
  const unpack = createGunzip();
  const source = createReadStream(file, { highWaterMark: 1 << 20 });
  source.on("error", (error) => unpack.destroy(error));
  return source.pipe(unpack);
}
