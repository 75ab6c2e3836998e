import { readDependencies, type HeaderDependency } from "./dependencies.ts";
import { readFiles, type RpmFile } from "./file-list.ts";
import { type HeaderBlob, invalid } from "./header-blob.ts";
import {
  type HeaderScriptlet,
  type HeaderScriptletKind,
  type HeaderTrigger,
  readScriptlets,
  readTriggers,
} from "./scriptlets.ts";
import { headerTag, signatureTag } from "./tag-table.ts";

/** How and where the package keeps its files' bytes. */
export interface PayloadDescription {
  /** `cpio` in every package of rpm 4. */
  readonly format: string;
  readonly compressor: "none" | "gzip" | "bzip2" | "xz" | "lzma" | "zstd";
  /** The compressor's level, as the header has it: `19`, `9T`. */
  readonly flags: string;
  /** Offset of the first payload byte in the .rpm. */
  readonly offset: number;
  /** SHA-256 over the compressed payload; absent in packages of rpm older than 4.14. */
  readonly sha256?: string;
  /** Size of the payload uncompressed, as the signature header has it. */
  readonly uncompressedBytes?: number;
}

/** A changelog entry. */
export interface HeaderChangelogEntry {
  /** Seconds since 1970, at noon UTC of the day. */
  readonly timeSeconds: number;
  readonly author: string;
  readonly text: string;
}

/** All that an .rpm says about itself. */
export interface RpmHeader {
  readonly name: string;
  /** Null when the package has no epoch, which compares as 0. */
  readonly epoch: number | null;
  readonly version: string;
  readonly release: string;
  /** A source package's arch is the one it was made on; see `isSource`. */
  readonly arch: string;
  /** `name-[epoch:]version-release.arch`, with `src` as a source package's arch. */
  readonly nevra: string;
  readonly isSource: boolean;
  /** File name of the source package a binary package was made from. */
  readonly sourceRpm?: string;
  readonly summary: string;
  readonly description: string;
  readonly license: string;
  readonly group: string;
  readonly url: string;
  readonly vendor: string;
  readonly packager: string;
  readonly buildHost: string;
  /** Seconds since 1970. */
  readonly buildTimeSeconds: number;
  /** Sum of the installed files' sizes. */
  readonly installedBytes: number;

  readonly provides: readonly HeaderDependency[];
  /** For a source package: the BuildRequires. */
  readonly requires: readonly HeaderDependency[];
  readonly conflicts: readonly HeaderDependency[];
  readonly obsoletes: readonly HeaderDependency[];
  readonly recommends: readonly HeaderDependency[];
  readonly suggests: readonly HeaderDependency[];
  readonly supplements: readonly HeaderDependency[];
  readonly enhances: readonly HeaderDependency[];

  readonly files: readonly RpmFile[];
  /** Name of the algorithm of `files[].digest`: `sha256` since rpm 4.14's defaults. */
  readonly fileDigestAlgorithm: string;
  readonly scriptlets: Readonly<Partial<Record<HeaderScriptletKind, HeaderScriptlet>>>;
  readonly triggers: readonly HeaderTrigger[];
  readonly changelog: readonly HeaderChangelogEntry[];
  readonly payload: PayloadDescription;

  /** Where the main header lies in the .rpm: repodata's `rpm:header-range`. */
  readonly headerRange: { readonly start: number; readonly end: number };
  /** SHA-256 over the main header, as checked; rpm's `SHA256HEADER`. */
  readonly headerSha256: string;
  /** Whether the signature header holds an OpenPGP signature over header or package. */
  readonly isSigned: boolean;
  /** The two headers, for any tag not listed above. */
  readonly main: HeaderBlob;
  readonly signature: HeaderBlob;
}

/** OpenPGP's hash numbers (RFC 9580, section 9.5) as far as rpm uses them. */
const digestAlgorithms = new Map([
  [1, "md5"],
  [2, "sha1"],
  [8, "sha256"],
  [9, "sha384"],
  [10, "sha512"],
]);

const compressors = ["gzip", "bzip2", "xz", "lzma", "zstd"] as const;

/** Builds the readable form of the two headers; the offsets are those of the .rpm file. */
export function describePackage(
  signature: HeaderBlob,
  main: HeaderBlob,
  headerRange: RpmHeader["headerRange"],
  headerSha256: string,
): RpmHeader {
  const name = required(main, headerTag.name, "name");
  const version = required(main, headerTag.version, "version");
  const release = required(main, headerTag.release, "release");
  const arch = main.string(headerTag.arch) ?? "";
  const epoch = main.integer(headerTag.epoch) ?? null;
  const sourceRpm = main.string(headerTag.sourceRpm);
  const isSource = main.has(headerTag.sourcePackage) || sourceRpm === undefined;
  const text = (tag: number): string => main.string(tag) ?? "";
  return {
    name,
    epoch,
    version,
    release,
    arch,
    nevra: `${name}-${epoch === null ? "" : `${epoch}:`}${version}-${release}.${isSource ? "src" : arch}`,
    isSource,
    ...(sourceRpm === undefined ? {} : { sourceRpm }),
    summary: text(headerTag.summary),
    description: text(headerTag.description),
    license: text(headerTag.license),
    group: text(headerTag.group),
    url: text(headerTag.url),
    vendor: text(headerTag.vendor),
    packager: text(headerTag.packager),
    buildHost: text(headerTag.buildHost),
    buildTimeSeconds: main.integer(headerTag.buildTime) ?? 0,
    installedBytes: main.integer(headerTag.longSize) ?? main.integer(headerTag.size) ?? 0,
    provides: readDependencies(main, "provides"),
    requires: readDependencies(main, "requires"),
    conflicts: readDependencies(main, "conflicts"),
    obsoletes: readDependencies(main, "obsoletes"),
    recommends: readDependencies(main, "recommends"),
    suggests: readDependencies(main, "suggests"),
    supplements: readDependencies(main, "supplements"),
    enhances: readDependencies(main, "enhances"),
    files: readFiles(main),
    fileDigestAlgorithm: digestName(main.integer(headerTag.fileDigestAlgorithm) ?? 1),
    scriptlets: readScriptlets(main),
    triggers: readTriggers(main),
    changelog: readChangelog(main),
    payload: describePayload(signature, main, headerRange.end),
    headerRange,
    headerSha256,
    isSigned: [
      signatureTag.dsa,
      signatureTag.rsa,
      signatureTag.pgp,
      signatureTag.gpg,
      signatureTag.openPgp,
    ].some((tag) => signature.has(tag)),
    main,
    signature,
  };
}

function describePayload(
  signature: HeaderBlob,
  main: HeaderBlob,
  offset: number,
): PayloadDescription {
  const named = main.string(headerTag.payloadCompressor);
  const compressor = compressors.find((known) => known === named);
  if (named !== undefined && compressor === undefined) {
    throw invalid("the main header", `it names the unknown compressor '${named.slice(0, 40)}'`);
  }
  const sha256 = main.strings(headerTag.payloadDigest)[0];
  const algorithm = main.integer(headerTag.payloadDigestAlgorithm) ?? 8;
  const uncompressedBytes =
    signature.integer(signatureTag.longArchiveSize) ?? signature.integer(signatureTag.payloadSize);
  return {
    format: main.string(headerTag.payloadFormat) ?? "cpio",
    compressor: compressor ?? "none",
    flags: main.string(headerTag.payloadFlags) ?? "",
    offset,
    ...(sha256 !== undefined && algorithm === 8 ? { sha256 } : {}),
    ...(uncompressedBytes === undefined ? {} : { uncompressedBytes }),
  };
}

/** The changelog entries, the newest first. */
export function readChangelog(main: HeaderBlob): readonly HeaderChangelogEntry[] {
  const authors = main.strings(headerTag.changelogNames);
  const texts = main.strings(headerTag.changelogTexts);
  return main.integers(headerTag.changelogTimes).map((timeSeconds, index) => ({
    timeSeconds,
    author: authors[index] ?? "",
    text: texts[index] ?? "",
  }));
}

function digestName(algorithm: number): string {
  return digestAlgorithms.get(algorithm) ?? `algorithm-${algorithm}`;
}

function required(main: HeaderBlob, tag: number, what: string): string {
  const value = main.string(tag);
  if (value === undefined || value === "") throw invalid("the main header", `it has no ${what}`);
  return value;
}
