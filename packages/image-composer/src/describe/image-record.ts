import { readFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, type Json } from "@cleanroom/core";
import type { BuildStatement } from "../lock/build-statements.ts";
import type { RemovedFile } from "../compose/root-contents.ts";

/** Raised when the shape of `image.json` changes. */
export const imageRecordVersion = 3;

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
  readonly vendor: string;
  readonly url: string;
  /** Digest of the .rpm without signature. */
  readonly rpmSha256: string;
  /** Its build's own provenance, where its repository publishes that. */
  readonly provenance?: BuildStatement | undefined;
  /** Packages that it needs, each with one capability that says so. */
  readonly needs: readonly PackageNeed[];
}

/** That a package is needed, and for what. */
export interface PackageNeed {
  /** NEVRA. */
  readonly package: string;
  readonly capability: string;
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
  /** The packages that image.yaml asks for. */
  readonly wanted: readonly PackageNeed[];
  /** States of the repositories at the time of building, by id. */
  readonly repositories: Readonly<Record<string, string>>;
  /** Digest of image.lock.yaml's packages. */
  readonly lockSha256: string;
  /** Of the tools that installed and compressed. */
  readonly toolsDigest: string;
  /** The rules that it keeps, in words: an image that does not is never built. */
  readonly policy: readonly string[];
  /** Files that packages list and slimming left out. */
  readonly removed: readonly RemovedFile[];
  readonly unpackedBytes: number;
  readonly compressedBytes: number;
}

/** A file or link of a built image, as `contents.json` lists it. */
export interface BuiltFile {
  /** Absolute. */
  readonly path: string;
  /** Octal, four digits. */
  readonly mode: string;
  readonly sizeBytes: number;
  /** Target of a symbolic link. */
  readonly link?: string;
  /** Of a regular file's content. */
  readonly sha256?: string;
  /** NEVRA; absent in the state layer. */
  readonly package?: string;
}

/** Names inside an image's output folder. */
export const recordFileName = "image.json";
export const contentsFileName = "contents.json";
export const layoutFolderName = "oci";
export const referrersFolderName = "referrers";

/**
 * Reads the list of a built image's files.
 *
 * @throws {CleanroomError} `image-missing`
 */
export async function readContents(folder: string): Promise<readonly BuiltFile[]> {
  await inspectImage(folder);
  return JSON.parse(await readFile(path.join(folder, contentsFileName), "utf8")) as BuiltFile[];
}

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
