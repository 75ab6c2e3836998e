import type { Logger, Store, Tools } from "@cleanroom/core";
import type { ForbidRule, Repository } from "@cleanroom/rootfs";

/** What every operation of this package works with. */
export interface ImageContext {
  readonly store: Store;
  readonly tools: Tools;
  /** libdeflate, which packs gzip layers; zlib of the tools does without it. */
  readonly compressor?: Tools | undefined;
  /** localedef and the sources of locales, for images that choose some. */
  readonly locales?: (() => Promise<Tools | undefined>) | undefined;
  readonly logger: Logger;
}

/** A repository that an image draws from. */
export interface ImageRepository extends Repository {
  /** In ASCII armour: every package of the repository must be signed by this key. */
  readonly publicKey?: string;
}

/** The image that is asked for, and where its packages come from. */
export interface ImageRequest {
  /** Name of the image and of its folder. */
  readonly name: string;
  /** Host folder with `image.yaml`, `image.lock.yaml` and `files/`. */
  readonly folder: string;
  readonly repositories: readonly ImageRepository[];
  /** RPM's name of the architecture. */
  readonly arch: string;
  /** What the profiles that image.yaml names under policy.profiles forbid. */
  readonly forbid?: readonly ForbidRule[];
}

/** What the name of an image may be: it becomes part of references and container names. */
export const imageNamePattern = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
