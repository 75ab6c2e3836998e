import { type PackageFixup, pathMatcher } from "@cleanroom/core";
import type { DebContents, DebEntry } from "./deb-contents.ts";
import {
  capabilityOf,
  type ControlFields,
  dependencyOf,
  type DebRelation,
  parseControl,
  parseRelations,
  rpmVersionOf,
} from "./deb-control.ts";

/** A .deb, read, with what the whole base says of it. */
export interface Conversion {
  readonly contents: DebContents;
  readonly fixup: PackageFixup;
  /** Whether the base does not hold the Debian package of a name. */
  readonly isExcluded: (name: string) => boolean;
  /** Sonames by the name of the Debian package that supplies them. */
  readonly sonamesByPackage: ReadonlyMap<string, readonly string[]>;
}

/** What no root needs of any package: data for Debian's own tools. */
const alwaysExcluded = ["/usr/share/lintian/**", "/usr/share/bug/**", "/usr/share/doc-base/**"];

/**
 * The spec that turns an unpacked .deb into an RPM. Its source package is Debian's, so that
 * SOURCERPM names it; its one binary package is a subpackage with its own version. The
 * package is expected at `/job/package.deb`, and the file list comes from the archive's own headers,
 * so that ownership and modes are those of the .deb whoever runs the build.
 */
export function specOf(conversion: Conversion): string {
  const { contents, fixup } = conversion;
  const control = parseControl(contents.control);
  const name = control.get("package") ?? "";
  const version = rpmVersionOf(control.get("version") ?? "0");
  const source = sourceOf(control, name);
  const homepage = control.get("homepage");
  const description = (control.get("description") ?? name).split("\n");
  // A binary package named like its source package is the main package; else it is a subpackage,
  // and the main package, which has no %files, is only there to give the source RPM its name.
  const isMain = source.name === name;
  const subject = isMain ? "" : ` -n ${escape(name)}`;
  const lines = [
    "%global debug_package %{nil}",
    "%global __os_install_post %{nil}",
    "%global _build_id_links none",
    `Name: ${escape(source.name)}`,
    ...(isMain
      ? []
      : [
          ...versionTags(rpmVersionOf(source.version)),
          "Summary: A Debian source package",
          "License: LicenseRef-Debian-copyright-file",
          "%description",
          "Imported from Debian.",
          `%package${subject}`,
        ]),
    ...versionTags(version),
    `Summary: ${escape(description[0] ?? name)}`,
    "License: LicenseRef-Debian-copyright-file",
    "Vendor: Debian",
    ...(homepage === undefined ? [] : [`URL: ${escape(homepage)}`]),
    ...(control.get("architecture") === "all" ? ["BuildArch: noarch"] : []),
    ...relationTags(conversion, control),
    `%description${subject}`,
    ...description.slice(1).map((line) => (line === "." ? "" : escape(line))),
    "%install",
    "dpkg-deb --extract /job/package.deb %{buildroot}",
    ...fixupCommands(fixup),
    ...scriptSections(subject, fixup),
    `%files${subject}`,
    ...fileLines(contents, fixup),
  ];
  return `${lines.join("\n")}\n`;
}

function sourceOf(control: ControlFields, name: string): { name: string; version: string } {
  const version = control.get("version") ?? "0";
  const [, sourceName, sourceVersion] =
    /^(\S+)(?:\s+\(([^)]+)\))?$/.exec(control.get("source") ?? name) ?? [];
  return { name: sourceName ?? name, version: sourceVersion ?? version };
}

function versionTags(version: ReturnType<typeof rpmVersionOf>): string[] {
  return [
    ...(version.epoch === undefined ? [] : [`Epoch: ${version.epoch}`]),
    `Version: ${escape(version.version)}`,
    `Release: ${escape(version.release)}`,
  ];
}

function relationTags(
  { contents, fixup, isExcluded, sonamesByPackage }: Conversion,
  control: ControlFields,
): string[] {
  const needed = new Set(contents.elfRequires.map((capability) => capability.replace(/\(.*$/, "")));
  /** Whether the ELF dependencies that rpm writes already say what this name says. */
  const saidByElf = (relation: DebRelation): boolean =>
    sonamesByPackage.get(relation.name)?.some((soname) => needed.has(soname)) === true;
  const requires = ["pre-depends", "depends"]
    .flatMap((field) => parseRelations(control.get(field)))
    .filter((group) => !group.some(saidByElf))
    .filter((group) => !group.some(({ name }) => isExcluded(name)))
    .map(dependencyOf);
  const tag = (label: string, values: readonly string[]): string[] =>
    [...new Set(values)].toSorted().map((value) => `${label}: ${escape(value)}`);
  return [
    ...tag("Requires", [...requires, ...(fixup.requires ?? [])]),
    ...tag("Recommends", parseRelations(control.get("recommends")).map(dependencyOf)),
    ...tag(
      "Conflicts",
      // A version in a conflict means older releases. apt has chosen the base's packages to fit
      // together, and RPM would hold it against a Provides without a version, as Debian does not.
      ["conflicts", "breaks"].flatMap((field) =>
        parseRelations(control.get(field)).flatMap((group) =>
          group.filter(({ operator }) => operator === undefined).map(capabilityOf),
        ),
      ),
    ),
    ...tag("Provides", [
      ...parseRelations(control.get("provides")).flatMap((group) => group.map(capabilityOf)),
      ...(fixup.provides ?? []),
      ...mergedPaths(control, contents.entries),
    ]),
  ];
}

/** Essential programs are asked for by their names from before /bin and /usr/bin were merged. */
function mergedPaths(control: ControlFields, entries: readonly DebEntry[]): string[] {
  if (control.get("essential") !== "yes" && control.get("protected") !== "yes") return [];
  return entries.flatMap(({ kind, path }) =>
    kind !== "folder" && /^\/usr\/s?bin\/[\w.+-]+$/.test(path) ? [path.slice("/usr".length)] : [],
  );
}

function fixupCommands(fixup: PackageFixup): string[] {
  return [
    ...(fixup.folders ?? []).map((folder) => `mkdir -p ${shell(`%{buildroot}${folder}`)}`),
    ...Object.entries(fixup.files ?? {}).flatMap(([file, content]) => [
      `mkdir -p "$(dirname ${shell(`%{buildroot}${file}`)})"`,
      // Base64 keeps content away from both the shell's and rpm's own languages.
      `echo ${Buffer.from(content).toString("base64")} | base64 -d > ${shell(`%{buildroot}${file}`)}`,
    ]),
    ...Object.entries(fixup.copies ?? {}).flatMap(([file, from]) => [
      `mkdir -p "$(dirname ${shell(`%{buildroot}${file}`)})"`,
      `cp ${shell(`%{buildroot}${from}`)} ${shell(`%{buildroot}${file}`)}`,
    ]),
    ...Object.entries(fixup.links ?? {}).flatMap(([link, target]) => [
      `mkdir -p "$(dirname ${shell(`%{buildroot}${link}`)})"`,
      `ln -sfn ${shell(target)} ${shell(`%{buildroot}${link}`)}`,
    ]),
  ];
}

function scriptSections(subject: string, fixup: PackageFixup): string[] {
  const { posttrans, triggers = [] } = fixup;
  return [
    ...(posttrans === undefined ? [] : [`%posttrans${subject}`, escape(posttrans)]),
    ...triggers.flatMap(({ paths, run }) => [
      `%transfiletriggerin${subject} -- ${paths.map(escape).join(" ")}`,
      escape(run),
      `%transfiletriggerpostun${subject} -- ${paths.map(escape).join(" ")}`,
      escape(run),
    ]),
  ];
}

function fileLines(contents: DebContents, fixup: PackageFixup): string[] {
  const conffiles = new Set(
    contents.conffiles.split("\n").map((line) => line.trim().split(" ")[0]),
  );
  const excluded = pathMatcher(alwaysExcluded);
  const added = [
    ...Object.keys(fixup.files ?? {}),
    ...Object.keys(fixup.copies ?? {}),
    ...Object.keys(fixup.links ?? {}),
  ];
  const replaced = new Set(added);
  const listed = contents.entries
    .filter(({ path }) => !replaced.has(path))
    .map((entry) => {
      const path = quotedPath(entry.path);
      if (excluded(entry.path)) {
        return entry.kind === "folder" ? undefined : `%exclude ${path}`;
      }
      const attributes = `%attr(${entry.kind === "link" ? "-" : entry.mode.toString(8)}, ${entry.user}, ${entry.group})`;
      const flags = [
        entry.kind === "folder" ? "%dir" : "",
        conffiles.has(entry.path) && entry.kind === "file" ? "%config(noreplace)" : "",
        /^\/usr\/share\/doc\/[^/]+\/copyright$/.test(entry.path) ? "%license" : "",
        languageFlag(entry.path),
      ].filter((flag) => flag !== "");
      return [...flags, attributes, path].join(" ");
    })
    .filter((line) => line !== undefined);
  return [
    ...new Set(listed),
    ...(fixup.folders ?? []).map((folder) => `%dir %attr(755, root, root) ${quotedPath(folder)}`),
    ...[...new Set(added)].map((path) => `%attr(-, root, root) ${quotedPath(path)}`),
  ];
}

function languageFlag(path: string): string {
  const [, language] = /^\/usr\/share\/locale\/([^/]+)\/LC_MESSAGES\/[^/]+\.mo$/.exec(path) ?? [];
  return language === undefined ? "" : `%lang(${language})`;
}

/** Text for a place where rpm expands macros. */
function escape(text: string): string {
  return text.replaceAll("%", "%%");
}

/**
 * A literal path in %files. rpm takes a backslash before a character of glob(7) outside quotes
 * alone, and a space inside quotes alone: where a path has both, `?` stands for the former.
 */
function quotedPath(path: string): string {
  return /[\s"]/.test(path)
    ? `"${escape(path.replaceAll(/[\\*?[\]{}"]/g, "?"))}"`
    : escape(path.replaceAll(/[\\*?[\]{}]/g, "\\$&"));
}

/** A word for the shell; rpm's %{buildroot} in front of it stays live. */
function shell(text: string): string {
  return `"${text.replaceAll(/[\\"$`]/g, "\\$&")}"`;
}
