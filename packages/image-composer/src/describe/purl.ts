import type { BuiltPackage } from "./image-record.ts";
import { splitNevra } from "../lock/lock-file.ts";

/**
 * A package's address in the purl form (ECMA-427; type `rpm`). The namespace is the repository it
 * came from, because a distribution's name would promise that distribution's own build.
 */
export function rpmPurl(
  one: Pick<BuiltPackage, "nevra" | "name" | "repository" | "sourceRpm">,
): string {
  const { evr, arch } = splitNevra(one.nevra);
  const [, epoch, version = evr] = /^(?:(\d+):)?(.+)$/.exec(evr) ?? [];
  const qualifiers = [
    `arch=${encode(arch)}`,
    ...(epoch === undefined ? [] : [`epoch=${epoch}`]),
    `upstream=${encode(one.sourceRpm)}`,
  ];
  return `pkg:rpm/${encode(one.repository)}/${encode(one.name)}@${encode(version)}?${qualifiers.join("&")}`;
}

/** Debian's names of the architectures that RPM names. */
const debianArch: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  noarch: "all",
};

/**
 * The address of the Debian package that a package was converted from, under which advisories
 * know it; undefined for what was not.
 */
export function debianPurl(
  one: Pick<BuiltPackage, "nevra" | "name" | "vendor">,
): string | undefined {
  if (one.vendor !== "Debian") return undefined;
  const { evr, arch } = splitNevra(one.nevra);
  // The conversion gives a version without a revision the release 0.
  const version = evr.replace(/-0$/, "");
  return `pkg:deb/debian/${encode(one.name)}@${encode(version)}?arch=${debianArch[arch] ?? arch}`;
}

/** purl's percent-encoding: a colon stays as it is. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}
