import { encodePurl, rpmPurl as purlOf } from "@cleanroom/rootfs";
import type { BuiltPackage } from "./image-record.ts";
import { splitNevra } from "../lock/lock-file.ts";

/** The address of a package of an image. */
export function rpmPurl(
  one: Pick<BuiltPackage, "nevra" | "name" | "repository" | "sourceRpm">,
): string {
  return purlOf({ ...one, ...splitNevra(one.nevra) });
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
  return `pkg:deb/debian/${encodePurl(one.name)}@${encodePurl(version)}?arch=${debianArch[arch] ?? arch}`;
}
