import { type DescriptionPlace, type MetadataBytes, readDescriptions } from "./descriptions.ts";
import { type PackageFile, type PackageMetadata, packageMetadata } from "./package-metadata.ts";
import { packageHeader } from "./package-header.ts";
import { readHeaderOf } from "./read-header.ts";
import { compressPieceSync } from "./zstd-frame.ts";

/** A package whose metadata is wanted. */
export interface PackageToDescribe extends PackageFile {
  /** Path of the signed .rpm. */
  readonly file: string;
  /** What is known already: then the file is not looked at. */
  readonly metadata?: PackageMetadata | undefined;
  /** Where it was put down: then neither is. */
  readonly place?: DescriptionPlace | undefined;
}

/** A piece of a metadata file, as text and compressed. */
export interface MetadataText {
  /** UTF-8; of a chunk it has a buffer of its own. */
  readonly text: Uint8Array<ArrayBuffer>;
  /** A piece for a zstd frame. */
  readonly frame: Uint8Array;
}

/** The metadata of some neighbouring packages. */
export type ChunkMetadata = Readonly<Record<keyof PackageMetadata, MetadataText>>;

/**
 * Gives back the memory of a chunk's texts, which are of no use from now on: a hundred megabytes would
 * wait for the garbage collector, which has little else to do.
 */
export function releaseTexts(chunk: ChunkMetadata): void {
  for (const { text } of Object.values(chunk)) text.buffer.transfer(0);
}

/** Describes packages, and compresses what is to be said of them. */
export function packChunk(packages: readonly PackageToDescribe[]): ChunkMetadata {
  const read = readDescriptions(packages.map(({ place }) => place));
  const described = packages.map((one, index) => read[index] ?? describe(one));
  const pack = (kind: keyof PackageMetadata): MetadataText => {
    const text = joined(described.map((one) => one[kind]));
    return { text, frame: compressPieceSync(text) };
  };
  return { primary: pack("primary"), filelists: pack("filelists"), other: pack("other") };
}

function describe(one: PackageToDescribe): MetadataBytes {
  const texts = one.metadata ?? packageMetadata(packageHeader(readHeaderOf(one.file)), one);
  return {
    primary: Buffer.from(texts.primary),
    filelists: Buffer.from(texts.filelists),
    other: Buffer.from(texts.other),
  };
}

function joined(parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const whole = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
