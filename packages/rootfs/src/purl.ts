/** What a package's address is made of. */
export interface PackageAddress {
  /** The repository it came from: a distribution's name would promise that distribution's build. */
  readonly repository: string;
  readonly name: string;
  /** `[epoch:]version-release` */
  readonly evr: string;
  readonly arch: string;
  /** File name of the source RPM. */
  readonly sourceRpm: string;
}

/** A package's address in the purl form (ECMA-427; type `rpm`). */
export function rpmPurl({ repository, name, evr, arch, sourceRpm }: PackageAddress): string {
  const [, epoch, version = evr] = /^(?:(\d+):)?(.+)$/.exec(evr) ?? [];
  const qualifiers = [
    `arch=${encodePurl(arch)}`,
    ...(epoch === undefined ? [] : [`epoch=${epoch}`]),
    `upstream=${encodePurl(sourceRpm)}`,
  ];
  return `pkg:rpm/${encodePurl(repository)}/${encodePurl(name)}@${encodePurl(version)}?${qualifiers.join("&")}`;
}

/** purl's percent-encoding: a colon stays as it is. */
export function encodePurl(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}
