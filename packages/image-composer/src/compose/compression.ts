export type Compression = "gzip" | "zstd";

/** Raised when packing the same bytes gives others. */
export const packEpoch = 3;

/**
 * Levels, chosen by measuring: a layer is packed once and pulled often, yet the first build of an
 * image is mostly packing. Another level is another image, so it is part of every key.
 */
export const packLevel: Readonly<Record<Compression, number>> = { gzip: 5, zstd: 3 };
