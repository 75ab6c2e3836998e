import { headerTag } from "rpm-parser";
import {
  type PackageHeader,
  type PackageHeaderFile,
  repodataDependencyKinds,
} from "./package-header.ts";
import {
  isPrimaryPath,
  type RepodataDependency,
  repodataDependency,
  repodataRequires,
} from "./repodata-dependencies.ts";
import { xmlAttributes, xmlText } from "./xml.ts";

/** A package's part of each of the three metadata files, as XML text. */
export interface PackageMetadata {
  readonly primary: string;
  readonly filelists: string;
  readonly other: string;
}

/** What the metadata says of a package that its header does not. */
export interface PackageFile {
  /** Over the whole signed .rpm: repodata's `pkgid`. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Path below the repository's folder. */
  readonly location: string;
}

/** As many of the newest entries as createrepo_c takes by default. */
const changelogEntriesMax = 10;

/**
 * Writes what primary.xml, filelists.xml and other.xml say of one package. The format is that of
 * createrepo_c (`src/xml_dump_*.c`), which has no other specification. It depends on the package
 * alone: `time file` is the build time, not when a file came to lie somewhere.
 */
export function packageMetadata(header: PackageHeader, file: PackageFile): PackageMetadata {
  return {
    primary: primaryXml(header, file),
    filelists: `${identityXml(header, file)}${header.files.map((one) => fileXml(one, "  ")).join("")}</package>\n`,
    other: `${identityXml(header, file)}${changelogXml(header)}</package>\n`,
  };
}

function primaryXml(header: PackageHeader, file: PackageFile): string {
  const size = {
    package: file.sizeBytes,
    installed: header.installedBytes,
    archive: header.archiveBytes,
  };
  const time = { file: header.buildTimeSeconds, build: header.buildTimeSeconds };
  return [
    `<package type="rpm">`,
    `  <name>${xmlText(header.name)}</name>`,
    `  <arch>${xmlText(header.arch)}</arch>`,
    `  <version${versionAttributes(header)}/>`,
    `  <checksum type="sha256" pkgid="YES">${file.sha256}</checksum>`,
    `  <summary>${xmlText(header.text(headerTag.summary))}</summary>`,
    `  <description>${xmlText(header.text(headerTag.description))}</description>`,
    `  <packager>${xmlText(header.text(headerTag.packager))}</packager>`,
    `  <url>${xmlText(header.text(headerTag.url))}</url>`,
    `  <time${xmlAttributes(time)}/>`,
    `  <size${xmlAttributes(size)}/>`,
    `  <location${xmlAttributes({ href: file.location })}/>`,
    `  <format>`,
    `    <rpm:license>${xmlText(header.text(headerTag.license))}</rpm:license>`,
    `    <rpm:vendor>${xmlText(header.text(headerTag.vendor))}</rpm:vendor>`,
    `    <rpm:group>${xmlText(header.text(headerTag.group))}</rpm:group>`,
    `    <rpm:buildhost>${xmlText(header.text(headerTag.buildHost))}</rpm:buildhost>`,
    `    <rpm:sourcerpm>${xmlText(header.text(headerTag.sourceRpm))}</rpm:sourcerpm>`,
    `    <rpm:header-range${xmlAttributes(header.headerRange)}/>`,
    `${repodataDependencyKinds.map((kind) => dependenciesXml(header, kind)).join("")}${primaryFilesXml(header)}  </format>`,
    `</package>\n`,
  ].join("\n");
}

function primaryFilesXml(header: PackageHeader): string {
  return header.files
    .filter((file) => isPrimaryPath(file.path))
    .map((file) => fileXml(file, "    "))
    .join("");
}

function fileXml({ path, type }: PackageHeaderFile, indent: string): string {
  const attribute = type === undefined ? "" : ` type="${type}"`;
  return `${indent}<file${attribute}>${xmlText(path)}</file>\n`;
}

function dependenciesXml(
  header: PackageHeader,
  kind: (typeof repodataDependencyKinds)[number],
): string {
  const entries =
    kind === "requires"
      ? repodataRequires(header)
      : header.dependencies[kind].map(repodataDependency);
  if (entries.length === 0) return "";
  const lines = entries.map((entry) => entryXml(entry, kind === "requires" && entry.pre));
  return `    <rpm:${kind}>\n${lines.join("")}    </rpm:${kind}>\n`;
}

function entryXml(
  { name, flags, epoch, version, release }: RepodataDependency,
  pre: boolean,
): string {
  const attributes = { name, flags, epoch, ver: version, rel: release, pre: pre ? 1 : undefined };
  return `      <rpm:entry${xmlAttributes(attributes)}/>\n`;
}

function identityXml(header: PackageHeader, file: PackageFile): string {
  const attributes = { pkgid: file.sha256, name: header.name, arch: header.arch };
  return `<package${xmlAttributes(attributes)}>\n  <version${versionAttributes(header)}/>\n`;
}

function versionAttributes(header: PackageHeader): string {
  return xmlAttributes({ epoch: header.epoch, ver: header.version, rel: header.release });
}

/**
 * The newest entries, oldest first. Entries of one day get seconds that differ, in order, because
 * clients sort by them.
 */
function changelogXml(header: PackageHeader): string {
  const entries = header.changelog.slice(0, changelogEntriesMax).toReversed();
  let previousSeconds = Number.NEGATIVE_INFINITY;
  let dayCount = 0;
  const lines: string[] = [];
  for (const { author, timeSeconds, text } of entries) {
    dayCount = timeSeconds === previousSeconds ? dayCount + 1 : 0;
    previousSeconds = timeSeconds;
    const attributes = { author: author.replace(/ +$/, ""), date: timeSeconds + dayCount };
    lines.push(`  <changelog${xmlAttributes(attributes)}>${xmlText(text)}</changelog>\n`);
  }
  return lines.join("");
}
