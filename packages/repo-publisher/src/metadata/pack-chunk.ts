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
}

/** A piece of a metadata file. */
export interface PackedText {
  /** The text, compressed; a piece for a zstd frame. */
  readonly frame: Uint8Array;
  /** Of the text. */
  readonly sizeBytes: number;
}

/** The metadata of some neighbouring packages. */
export type PackedChunk = Readonly<Record<keyof PackageMetadata, PackedText>>;

export const metadataKinds = ["primary", "filelists", "other"] as const;

/** Describes packages, and compresses what is to be said of them. */
export function packChunk(packages: readonly PackageToDescribe[]): PackedChunk {
  const described = packages.map(
    (one) => one.metadata ?? packageMetadata(packageHeader(readHeaderOf(one.file)), one),
  );
  const pack = (kind: keyof PackageMetadata): PackedText => {
    const text = Buffer.from(described.map((one) => one[kind]).join(""));
    return { frame: compressPieceSync(text), sizeBytes: text.length };
  };
  return { primary: pack("primary"), filelists: pack("filelists"), other: pack("other") };
}
