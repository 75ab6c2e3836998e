import type { BuiltFile, BuiltImage } from "./image-record.ts";
import { splitNevra } from "../lock/lock-file.ts";
import { megabytes, megabytesMore } from "../sizes.ts";

/** How one image differs from another. */
export interface ImageDiff {
  readonly packages: {
    /** NEVRAs. */
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly replaced: readonly {
      readonly before: string;
      readonly after: string;
      readonly unpackedBytesMore: number;
    }[];
  };
  readonly files: {
    /** Paths. */
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  readonly layers: {
    /** Digests. */
    readonly shared: readonly string[];
    readonly added: readonly string[];
    readonly removed: readonly string[];
  };
  readonly unpackedBytesMore: number;
  readonly compressedBytesMore: number;
  /** Compressed bytes of the layers that a client with the first image still has to pull. */
  readonly pullBytes: number;
  /** The same for people. */
  readonly lines: readonly string[];
}

/** An image with the list of its files. */
export interface ListedImage {
  readonly image: BuiltImage;
  readonly contents: readonly BuiltFile[];
}

export function diffImages(a: ListedImage, b: ListedImage): ImageDiff {
  const packages = diffPackages(a.image, b.image);
  const files = diffFiles(a.contents, b.contents);
  const before = new Set(a.image.layers.map(({ digest }) => digest));
  const after = new Set(b.image.layers.map(({ digest }) => digest));
  const layers = {
    shared: [...after].filter((digest) => before.has(digest)),
    added: [...after].filter((digest) => !before.has(digest)),
    removed: [...before].filter((digest) => !after.has(digest)),
  };
  const pullBytes = b.image.layers
    .filter(({ digest }) => !before.has(digest))
    .reduce((sum, { compressedBytes }) => sum + compressedBytes, 0);
  const unpackedBytesMore = b.image.unpackedBytes - a.image.unpackedBytes;
  const compressedBytesMore = b.image.compressedBytes - a.image.compressedBytes;
  const lines = [
    ...packages.added.map((nevra) => `+ ${nevra}`),
    ...packages.replaced.map((one) => {
      const { name, evr } = splitNevra(one.before);
      const now = splitNevra(one.after).evr;
      const how = now === evr ? `${evr}, built anew` : `${evr} -> ${now}`;
      return `~ ${name} ${how}: ${megabytesMore(one.unpackedBytesMore)}`;
    }),
    ...packages.removed.map((nevra) => `- ${nevra}`),
    `files: ${files.added.length} added, ${files.removed.length} removed, ${files.changed.length} changed`,
    `size: ${megabytes(b.image.unpackedBytes)} unpacked (${megabytesMore(unpackedBytesMore)}), ${megabytes(b.image.compressedBytes)} compressed (${megabytesMore(compressedBytesMore)})`,
    `layers: ${layers.shared.length} shared, ${layers.added.length} to pull: ${megabytes(pullBytes)}`,
  ];
  return { packages, files, layers, unpackedBytesMore, compressedBytesMore, pullBytes, lines };
}

/** What a package keeps when its version changes. */
function nameOf({ nevra }: { readonly nevra: string }): string {
  const { name, arch } = splitNevra(nevra);
  return `${name}.${arch}`;
}

function stateOf(file: BuiltFile): string {
  return `${file.mode} ${file.link ?? ""} ${file.sha256 ?? ""}`;
}

function diffPackages(a: BuiltImage, b: BuiltImage): ImageDiff["packages"] {
  const before = new Map(a.packages.map((one) => [nameOf(one), one]));
  const after = new Map(b.packages.map((one) => [nameOf(one), one]));
  return {
    added: b.packages.filter((one) => !before.has(nameOf(one))).map(({ nevra }) => nevra),
    removed: a.packages.filter((one) => !after.has(nameOf(one))).map(({ nevra }) => nevra),
    replaced: b.packages.flatMap((one) => {
      const old = before.get(nameOf(one));
      if (old === undefined || old.sha256 === one.sha256) return [];
      const unpackedBytesMore = one.unpackedBytes - old.unpackedBytes;
      return [{ before: old.nevra, after: one.nevra, unpackedBytesMore }];
    }),
  };
}

function diffFiles(a: readonly BuiltFile[], b: readonly BuiltFile[]): ImageDiff["files"] {
  const before = new Map(a.map((file) => [file.path, stateOf(file)]));
  const after = new Set(b.map(({ path }) => path));
  return {
    added: b.filter(({ path }) => !before.has(path)).map(({ path }) => path),
    removed: a.filter(({ path }) => !after.has(path)).map(({ path }) => path),
    changed: b
      .filter((file) => before.has(file.path) && before.get(file.path) !== stateOf(file))
      .map(({ path }) => path),
  };
}
