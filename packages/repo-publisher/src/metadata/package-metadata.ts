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
import { xmlAttribute, xmlAttributes, xmlText } from "./xml.ts";

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
  const identity = identityXml(header, file);
  return {
    primary: primaryXml(header, file),
    filelists: `${identity}${filesXml(header.files, "  ")}</package>\n`,
    other: `${identity}${changelogXml(header)}</package>\n`,
  };
}

function primaryXml(header: PackageHeader, file: PackageFile): string {
  const text = (tag: number): string => xmlText(header.text(tag));
  const primaryFiles = header.files.filter(({ path }) => isPrimaryPath(path));
  const time = header.buildTimeSeconds;
  const { start, end } = header.headerRange;
  return `<package type="rpm">
  <name>${xmlText(header.name)}</name>
  <arch>${xmlText(header.arch)}</arch>
  <version${versionAttributes(header)}/>
  <checksum type="sha256" pkgid="YES">${file.sha256}</checksum>
  <summary>${text(headerTag.summary)}</summary>
  <description>${text(headerTag.description)}</description>
  <packager>${text(headerTag.packager)}</packager>
  <url>${text(headerTag.url)}</url>
  <time file="${time}" build="${time}"/>
  <size package="${file.sizeBytes}" installed="${header.installedBytes}" archive="${header.archiveBytes}"/>
  <location href=${xmlAttribute(file.location)}/>
  <format>
    <rpm:license>${text(headerTag.license)}</rpm:license>
    <rpm:vendor>${text(headerTag.vendor)}</rpm:vendor>
    <rpm:group>${text(headerTag.group)}</rpm:group>
    <rpm:buildhost>${text(headerTag.buildHost)}</rpm:buildhost>
    <rpm:sourcerpm>${text(headerTag.sourceRpm)}</rpm:sourcerpm>
    <rpm:header-range start="${start}" end="${end}"/>
${dependenciesXml(header, primaryFiles)}${filesXml(primaryFiles, "    ")}  </format>
</package>
`;
}

function filesXml(files: readonly PackageHeaderFile[], indent: string): string {
  let text = "";
  for (const { path, type } of files) {
    const attribute = type === undefined ? "" : ` type="${type}"`;
    text += `${indent}<file${attribute}>${xmlText(path)}</file>\n`;
  }
  return text;
}

function dependenciesXml(
  header: PackageHeader,
  primaryFiles: readonly PackageHeaderFile[],
): string {
  let text = "";
  for (const kind of repodataDependencyKinds) {
    const entries =
      kind === "requires"
        ? repodataRequires(header.dependencies, primaryFiles)
        : header.dependencies[kind].map(repodataDependency);
    if (entries.length === 0) continue;
    text += `    <rpm:${kind}>\n`;
    for (const entry of entries) text += entryXml(entry, kind === "requires" && entry.pre);
    text += `    </rpm:${kind}>\n`;
  }
  return text;
}

function entryXml(
  { name, flags, epoch, version, release }: RepodataDependency,
  pre: boolean,
): string {
  let text = `      <rpm:entry name=${xmlAttribute(name)}`;
  if (flags !== undefined) text += ` flags="${flags}"`;
  if (epoch !== undefined) text += ` epoch=${xmlAttribute(epoch)}`;
  if (version !== undefined) text += ` ver=${xmlAttribute(version)}`;
  if (release !== undefined) text += ` rel=${xmlAttribute(release)}`;
  return pre ? `${text} pre="1"/>\n` : `${text}/>\n`;
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
