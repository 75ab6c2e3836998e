import { DescriptionReader, type DescriptionPlace, type MetadataBytes } from "./descriptions.ts";
import { type PackageFile, type PackageMetadata, packageMetadata } from "./package-metadata.ts";
import { packageHeader } from "./package-header.ts";
import { readHeaderOf } from "./read-header.ts";
import { compressPieceSync } from "./zstd-frame.ts";

/** A package whose metadata is wanted. */
export interface PackageToDescribe extends PackageFile {
  /** Path of the signed .rpm. */
  readonly file: string;
  /** What is known already, or where it was put down: then the file is not looked at. */
  readonly metadata?: PackageMetadata | DescriptionPlace | undefined;
}

/** A piece of a metadata file, as text and compressed. */
export interface MetadataText {
  /** UTF-8. */
  readonly text: Uint8Array<ArrayBuffer>;
  /** A piece for a zstd frame. */
  readonly frame: Uint8Array;
}

/** The metadata of some neighbouring packages. */
export type ChunkMetadata = Readonly<Record<keyof PackageMetadata, MetadataText>>;

/** Describes packages, and compresses what is to be said of them. Each text has a buffer of its own. */
export function packChunk(packages: readonly PackageToDescribe[]): ChunkMetadata {
  const descriptions = new DescriptionReader();
  try {
    const described = packages.map((one) => bytesOf(one, descriptions));
    const pack = (kind: keyof PackageMetadata): MetadataText => {
      const text = joined(described.map((one) => one[kind]));
      return { text, frame: compressPieceSync(text) };
    };
    return { primary: pack("primary"), filelists: pack("filelists"), other: pack("other") };
  } finally {
    descriptions.close();
  }
}

function bytesOf(one: PackageToDescribe, descriptions: DescriptionReader): MetadataBytes {
  const { metadata } = one;
  if (metadata !== undefined && "textBytes" in metadata) return descriptions.read(metadata);
  const texts = metadata ?? packageMetadata(packageHeader(readHeaderOf(one.file)), one);
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
