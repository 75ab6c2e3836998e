import { messageOf } from "@cleanroom/core";
import { packageLocation } from "../locations.ts";
import { DescriptionFile, type DescriptionPlace } from "./descriptions.ts";
import { type FileToIdentify, type Identification, identifyPackage } from "./identify.ts";
import { type ChunkMetadata, packChunk, type PackageToDescribe } from "./pack-chunk.ts";
import { packageHeader } from "./package-header.ts";
import { packageMetadata } from "./package-metadata.ts";

/** What packages are read for. */
export type Question =
  | { readonly identify: readonly FileToIdentify[] }
  | { readonly pack: readonly PackageToDescribe[] };

/** A package as it was read, and where it is described. */
export interface ReadPackage {
  readonly identification: Identification;
  /** Absent where it could not be identified. */
  readonly place?: DescriptionPlace | undefined;
}

export type Answer =
  | { readonly read: readonly ReadPackage[] }
  | { readonly packed: ChunkMetadata }
  | { readonly failure: string };

/** Answers questions, on any thread. */
export class Answerer {
  readonly #descriptions: DescriptionFile;

  /** @param file of its own, for the descriptions of what it reads */
  constructor(file: string) {
    this.#descriptions = new DescriptionFile(file);
  }

  /** Never throws: errors do not travel between threads. */
  answer(question: Question): Answer {
    try {
      if ("pack" in question) return { packed: packChunk(question.pack) };
      const read = question.identify.map((file) => this.#read(file));
      this.#descriptions.flush();
      return { read };
    } catch (error) {
      return { failure: messageOf(error) };
    }
  }

  #read(file: FileToIdentify): ReadPackage {
    let place: DescriptionPlace | undefined;
    const identification = identifyPackage(file, ({ identity, sizeBytes }, headers) => {
      const { sha256 } = file;
      const location = packageLocation(identity, sha256);
      const metadata = packageMetadata(packageHeader(headers), { sha256, sizeBytes, location });
      place = this.#descriptions.add(metadata);
    });
    return { identification, place };
  }

  close(): void {
    this.#descriptions.close();
  }
}
