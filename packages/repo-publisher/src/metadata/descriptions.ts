import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { PackageMetadata } from "./package-metadata.ts";

export const metadataKinds = ["primary", "filelists", "other"] as const;

/** A package's part of each of the three metadata files, as UTF-8. */
export type MetadataBytes = Readonly<Record<keyof PackageMetadata, Uint8Array>>;

/** Where a package's metadata was put down: its three texts, one after the other. */
export interface DescriptionPlace {
  readonly file: string;
  readonly start: number;
  /** Of each text, in the order of {@link metadataKinds}. */
  readonly textBytes: readonly number[];
}

/**
 * A file to put descriptions down in. A package is described when it is read, and what is said of it is
 * needed once all packages are known and in order; in memory there would be too much of it.
 */
export class DescriptionFile {
  readonly #file: string;
  #descriptor: number | undefined;
  #writtenBytes = 0;
  /** What was not written yet: of whole batches, so that it takes few steps. */
  #waiting = Buffer.allocUnsafeSlow(1024 * 1024);
  #waitingBytes = 0;

  /** @param file made when something is put down */
  constructor(file: string) {
    this.#file = file;
  }

  add(metadata: PackageMetadata): DescriptionPlace {
    const start = this.#writtenBytes + this.#waitingBytes;
    return {
      file: this.#file,
      start,
      textBytes: metadataKinds.map((kind) => this.#put(metadata[kind])),
    };
  }

  #put(text: string): number {
    // A code unit takes three bytes at most.
    const mostBytes = text.length * 3;
    if (mostBytes > this.#waiting.length - this.#waitingBytes) this.flush();
    if (mostBytes > this.#waiting.length) this.#waiting = Buffer.allocUnsafeSlow(mostBytes);
    const sizeBytes = this.#waiting.write(text, this.#waitingBytes);
    this.#waitingBytes += sizeBytes;
    return sizeBytes;
  }

  /** From now on what was put down can be read. */
  flush(): void {
    this.#descriptor ??= openSync(this.#file, "wx");
    for (let done = 0; done < this.#waitingBytes;) {
      done += writeSync(this.#descriptor, this.#waiting, done, this.#waitingBytes - done);
    }
    this.#writtenBytes += this.#waitingBytes;
    this.#waitingBytes = 0;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/**
 * Reads descriptions where they were put down, those that have a place. What it returns is good until
 * the next call.
 */
export function readDescriptions(
  places: readonly (DescriptionPlace | undefined)[],
): readonly (MetadataBytes | undefined)[] {
  const descriptors = new Map<string, number>();
  const wantedBytes = places.reduce((sum, place) => sum + sizeOf(place), 0);
  if (room.length < wantedBytes) room = Buffer.allocUnsafeSlow(wantedBytes);
  let end = 0;
  try {
    return places.map((place) => {
      if (place === undefined) return undefined;
      const { file, start, textBytes } = place;
      const descriptor = descriptors.get(file) ?? openSync(file, "r");
      descriptors.set(file, descriptor);
      const bytes = room.subarray(end, end + sizeOf(place));
      end += bytes.length;
      const bytesRead = readSync(descriptor, bytes, 0, bytes.length, start);
      if (bytesRead !== bytes.length) throw new Error(`${file} is shorter than it was`);
      const [primary = 0, filelists = 0] = textBytes;
      return {
        primary: bytes.subarray(0, primary),
        filelists: bytes.subarray(primary, primary + filelists),
        other: bytes.subarray(primary + filelists),
      };
    });
  } finally {
    for (const descriptor of descriptors.values()) closeSync(descriptor);
  }
}

/** This thread's, for one chunk's descriptions after the other. */
let room = Buffer.alloc(0);

function sizeOf(place: DescriptionPlace | undefined): number {
  return place?.textBytes.reduce((sum, one) => sum + one, 0) ?? 0;
}
