import { constants } from "node:fs";
import { copyFile, link, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  canonicalJson,
  CleanroomError,
  removeFolder,
  replaceFolder,
  uniqueName,
} from "@cleanroom/core";
import {
  type BuiltImage,
  inspectImage,
  layoutFolderName,
  referrersFolderName,
} from "../describe/image-record.ts";
import { imageIndex, jsonBlob, mediaTypes, platformOf } from "../describe/oci-image.ts";

/** Several images under one name: an OCI layout whose index names them by platform. */
export interface ImageIndex {
  /** `sha256:...` of the index that engines choose their platform from. */
  readonly digest: string;
  readonly images: readonly { readonly platform: string; readonly digest: string }[];
}

/**
 * Joins images of one name for several platforms (each built on a base of its own) in an output
 * folder as `image push` takes it: an OCI layout, and the referrers of all.
 *
 * @param folders output folders of built images, each for another architecture
 * @param output replaced as a whole
 * @throws {CleanroomError} `image-missing`, `platform-twice`
 */
export async function indexImages(
  name: string,
  folders: readonly string[],
  output: string,
): Promise<ImageIndex> {
  const images = await Promise.all(folders.map(inspectImage));
  const platforms = images.map(({ arch }) => platformOf(arch));
  for (const [at, { architecture }] of platforms.entries()) {
    const other = platforms.findIndex((one) => one.architecture === architecture);
    if (other === at) continue;
    throw new CleanroomError(
      "platform-twice",
      `${folders[other]} and ${folders[at]} are both for ${architecture}`,
      { exitCode: 2, hint: "an index has one image a platform: build one on another base" },
    );
  }
  const manifests = await Promise.all(
    images.map(async (image, at) => ({
      mediaType: mediaTypes.manifest,
      digest: image.digest,
      size: (await readFile(blobFile(folders[at] ?? "", image))).length,
      platform: platforms[at] ?? {},
    })),
  );
  const index = jsonBlob(mediaTypes.index, {
    ...{ schemaVersion: 2, mediaType: mediaTypes.index, manifests },
  });
  await mkdir(path.dirname(output), { recursive: true });
  const folder = path.join(path.dirname(output), uniqueName(`.${path.basename(output)}`));
  try {
    const layout = path.join(folder, layoutFolderName);
    const referrers = path.join(folder, referrersFolderName);
    for (const from of folders) {
      await linkBlobs(path.join(from, layoutFolderName), layout);
      await linkBlobs(path.join(from, referrersFolderName), referrers);
    }
    await writeFile(
      path.join(layout, "blobs", index.descriptor.digest.replace(":", "/")),
      index.bytes,
    );
    await writeFile(path.join(layout, "index.json"), imageIndex(name, [index.descriptor]).bytes);
    await writeFile(path.join(referrers, "index.json"), await joinedReferrers(folders));
    await replaceFolder(folder, output);
  } finally {
    await removeFolder(folder);
  }
  return {
    digest: index.descriptor.digest,
    images: images.map(({ digest }, at) => ({
      platform: `${platforms[at]?.os}/${platforms[at]?.architecture}`,
      digest,
    })),
  };
}

function blobFile(folder: string, { digest }: BuiltImage): string {
  return path.join(folder, layoutFolderName, "blobs", digest.replace(":", "/"));
}

async function joinedReferrers(folders: readonly string[]): Promise<string> {
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const file = path.join(folder, referrersFolderName, "index.json");
      return (JSON.parse(await readFile(file, "utf8")) as { manifests: never[] }).manifests;
    }),
  );
  return canonicalJson({
    ...{ schemaVersion: 2, mediaType: mediaTypes.index, manifests: lists.flat() },
  });
}

async function linkBlobs(from: string, to: string): Promise<void> {
  await mkdir(path.join(to, "blobs/sha256"), { recursive: true });
  await copyFile(path.join(from, "oci-layout"), path.join(to, "oci-layout"));
  for (const name of await readdir(path.join(from, "blobs/sha256"))) {
    const [source, target] = [from, to].map((one) => path.join(one, "blobs/sha256", name));
    try {
      await link(source ?? "", target ?? "");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Images of the same packages share layers.
      if (code === "EEXIST") continue;
      if (!["EXDEV", "EMLINK", "EPERM"].includes(code ?? "")) throw error;
      await copyFile(source ?? "", target ?? "", constants.COPYFILE_FICLONE);
    }
  }
}
