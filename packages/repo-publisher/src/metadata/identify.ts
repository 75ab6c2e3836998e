import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { developmentDistribution, messageOf, type Sha256 } from "@cleanroom/core";
import { type HeaderBlob, headerTag, readRpmHeaderBlobs } from "rpm-parser";
import { type HeaderIdentity, headerIdentity } from "./package-header.ts";
import { type HeaderBlobs, readHeaderOf } from "./read-header.ts";

/** An .rpm and the digest that it should have. */
export interface FileToIdentify {
  readonly file: string;
  readonly sha256: Sha256;
}

/** A package with the digest that it should have. */
export interface Identified {
  readonly identity: HeaderIdentity;
  readonly sizeBytes: number;
  /** It says of itself that it was built from something else than the locked sources. */
  readonly development: boolean;
}

/** What a file turned out to be; `failure` says why it cannot be read. */
export type Identification =
  | Identified
  | { readonly actualSha256: Sha256 }
  | { readonly failure: string };

/**
 * Reads a whole package: its digest is checked, and its header taken apart.
 *
 * @param look takes more out of the headers, which are good until it returns; may throw
 */
export function identifyPackage(
  { file, sha256 }: FileToIdentify,
  look?: (identified: Identified, headers: HeaderBlobs) => void,
): Identification {
  try {
    const { actualSha256, sizeBytes, bytes } = readPackage(file);
    if (actualSha256 !== sha256) return { actualSha256 };
    const headers = bytes === undefined ? readHeaderOf(file) : readRpmHeaderBlobs(bytes);
    const identity = headerIdentity(headers.main);
    const development = isDevelopmentBuild(identity, headers.main);
    const identified = { identity, sizeBytes, development };
    look?.(identified, headers);
    return identified;
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** Each thread's, used for one package after the other: nothing of a header refers to it for long. */
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);

function readPackage(file: string): {
  readonly actualSha256: Sha256;
  readonly sizeBytes: number;
  /** The whole package, where it fits into the buffer. */
  readonly bytes: Buffer | undefined;
} {
  const descriptor = openSync(file, "r");
  try {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    for (;;) {
      const start = sizeBytes % buffer.length;
      const length = readSync(descriptor, buffer, start, buffer.length - start, null);
      if (length === 0) break;
      hash.update(buffer.subarray(start, start + length));
      sizeBytes += length;
    }
    const bytes = sizeBytes <= buffer.length ? buffer.subarray(0, sizeBytes) : undefined;
    return { actualSha256: hash.digest("hex"), sizeBytes, bytes };
  } finally {
    closeSync(descriptor);
  }
}

/** Of a development build, besides its distribution: for everyone to see, in the release. */
const developmentRelease = /\.dev(?:\.|$)/;

function isDevelopmentBuild({ release }: HeaderIdentity, main: HeaderBlob): boolean {
  return (
    developmentRelease.test(release) ||
    main.string(headerTag.distribution) === developmentDistribution
  );
}
