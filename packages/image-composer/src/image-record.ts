import { readFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, type Json } from "@cleanroom/core";
import type { RemovedFile } from "./root-contents.ts";

/** Raised when the shape of `image.json` changes. */
export const imageRecordVersion = 1;

/** A layer of a built image. */
export interface BuiltLayer {
  /** `sha256:...` of the compressed blob. */
  readonly digest: string;
  /** `sha256:...` of the uncompressed archive. */
  readonly diffId: string;
  readonly mediaType: string;
  readonly compressedBytes: number;
  /** Sum of the files' sizes; the names of one file count once. */
  readonly unpackedBytes: number;
  /** Files and links, without directories. */
  readonly files: number;
  /** NEVRAs; empty for the state layer. */
  readonly packages: readonly string[];
  /** Names of the source packages; empty for the state layer. */
  readonly sources: readonly string[];
}

/** A package of a built image. */
export interface BuiltPackage {
  readonly nevra: string;
  readonly name: string;
  /** Digest of the package's header. */
  readonly sha256: string;
  /** Bytes of its files that the image holds. */
  readonly unpackedBytes: number;
  readonly repository: string;
  readonly sourceRpm: string;
  readonly license: string;
  readonly summary: string;
}

/** What `image build --json` and `image inspect --json` print, and `image.json` holds. */
export interface BuiltImage {
  readonly version: typeof imageRecordVersion;
  readonly name: string;
  readonly arch: string;
  /** `sha256:...` of the manifest. */
  readonly digest: string;
  /** `sha256:...` of the configuration: what podman and docker call the image's id. */
  readonly imageId: string;
  /** Seconds since 1970: when the newest of its packages was built. */
  readonly created: number;
  /** The `config` object that containers get. */
  readonly config: Json;
  /** In the order they are stacked. */
  readonly layers: readonly BuiltLayer[];
  /** Sorted by name. */
  readonly packages: readonly BuiltPackage[];
  /** Files that packages list and slimming left out. */
  readonly removed: readonly RemovedFile[];
  readonly unpackedBytes: number;
  readonly compressedBytes: number;
}

/** Names inside an image's output folder. */
export const recordFileName = "image.json";
export const layoutFolderName = "oci";

/**
 * Reads the record of a built image.
 *
 * @param folder an image's output folder, such as `dist/images/hello`
 * @throws {CleanroomError} `image-missing`
 */
export async function inspectImage(folder: string): Promise<BuiltImage> {
  const image = await readRecord(folder);
  if (image !== undefined) return image;
  throw new CleanroomError("image-missing", `there is no built image in ${folder}`, {
    exitCode: 2,
    hint: "build it first: ./cleanroom image build NAME",
  });
}

/** {@link inspectImage}; undefined when there is none or an older Cleanroom made it. */
export async function readRecord(folder: string): Promise<BuiltImage | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(folder, recordFileName), "utf8");
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
  const image = JSON.parse(text) as BuiltImage;
  return image.version === imageRecordVersion ? image : undefined;
}
