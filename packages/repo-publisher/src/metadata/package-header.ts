import {
  fileFlagBits,
  type HeaderBlob,
  type HeaderChangelogEntry,
  type HeaderDependency,
  headerTag,
  readChangelog,
  readDependencies,
  readFilePaths,
  type readRpmHeaderBlobs,
  signatureTag,
} from "rpm-parser";

/**
 * What repodata says of a package, from its headers. An RpmHeader has all of this and much more,
 * which takes most of the time of publishing very many packages.
 */
export interface PackageHeader {
  readonly name: string;
  readonly epoch: number;
  readonly version: string;
  readonly release: string;
  /** `src` for a source package. */
  readonly arch: string;
  readonly text: (tag: number) => string;
  readonly buildTimeSeconds: number;
  readonly installedBytes: number;
  readonly archiveBytes: number;
  readonly headerRange: { readonly start: number; readonly end: number };
  readonly dependencies: Readonly<Record<RepodataDependencyKind, readonly HeaderDependency[]>>;
  readonly files: readonly PackageHeaderFile[];
  /** The newest first. */
  readonly changelog: readonly HeaderChangelogEntry[];
}

export interface PackageHeaderFile {
  readonly path: string;
  /** As repodata calls it; undefined for a common file. */
  readonly type: "dir" | "ghost" | undefined;
}

/** In repodata's order. */
export const repodataDependencyKinds = [
  "provides",
  "requires",
  "conflicts",
  "obsoletes",
  "suggests",
  "enhances",
  "recommends",
  "supplements",
] as const;

type RepodataDependencyKind = (typeof repodataDependencyKinds)[number];

export function packageHeader({
  signature,
  main,
  headerRange,
}: Pick<
  ReturnType<typeof readRpmHeaderBlobs>,
  "signature" | "main" | "headerRange"
>): PackageHeader {
  const { epoch, ...identity } = headerIdentity(main);
  return {
    ...identity,
    epoch: epoch ?? 0,
    text: (tag) => main.string(tag) ?? "",
    installedBytes: main.integer(headerTag.longSize) ?? main.integer(headerTag.size) ?? 0,
    archiveBytes:
      signature.integer(signatureTag.longArchiveSize) ??
      signature.integer(signatureTag.payloadSize) ??
      0,
    headerRange,
    dependencies: Object.fromEntries(
      repodataDependencyKinds.map((kind) => [kind, readDependencies(main, kind)]),
    ) as PackageHeader["dependencies"],
    files: headerFiles(main),
    changelog: readChangelog(main),
  };
}

/** What a package calls itself. */
export interface HeaderIdentity {
  /** `name-[epoch:]version-release.arch`. */
  readonly nevra: string;
  readonly name: string;
  readonly epoch: number | null;
  readonly version: string;
  readonly release: string;
  /** `src` for a source package. */
  readonly arch: string;
  /** File name of the source package; null for a source package. */
  readonly sourceRpm: string | null;
  /** Seconds since 1970. */
  readonly buildTimeSeconds: number;
}

export function headerIdentity(main: HeaderBlob): HeaderIdentity {
  const text = (tag: number): string => main.string(tag) ?? "";
  const [name, version, release] = [headerTag.name, headerTag.version, headerTag.release].map(text);
  if (name === undefined || version === undefined || release === undefined || name === "") {
    throw new TypeError("its header has no name");
  }
  const epoch = main.integer(headerTag.epoch) ?? null;
  const sourceRpm = main.string(headerTag.sourceRpm) ?? null;
  const isSource = main.has(headerTag.sourcePackage) || sourceRpm === null;
  const arch = isSource ? "src" : text(headerTag.arch);
  const evr = `${epoch === null ? "" : `${epoch}:`}${version}-${release}`;
  const buildTimeSeconds = main.integer(headerTag.buildTime) ?? 0;
  const nevra = `${name}-${evr}.${arch}`;
  return { nevra, name, epoch, version, release, arch, sourceRpm, buildTimeSeconds };
}

const directoryMode = 0o04;

function headerFiles(main: HeaderBlob): PackageHeaderFile[] {
  const modes = main.integers(headerTag.fileModes);
  const flags = main.integers(headerTag.fileFlags);
  return readFilePaths(main).map((path, index) => {
    if ((modes[index] ?? 0) >> 12 === directoryMode) return { path, type: "dir" };
    const isGhost = ((flags[index] ?? 0) & fileFlagBits.ghost) !== 0;
    return { path, type: isGhost ? "ghost" : undefined };
  });
}
