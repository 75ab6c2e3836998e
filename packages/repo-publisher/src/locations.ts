import type { Sha256 } from "@cleanroom/core";

/**
 * Where a package lies below a generation's folder. The location holds a piece of the digest: a
 * package that is built again under the same NEVRA then gets another location, and a client that
 * still has the metadata of an older generation never meets bytes which that metadata does not
 * describe.
 */
export function packageLocation(
  {
    name,
    version,
    release,
    arch,
  }: {
    readonly name: string;
    readonly version: string;
    readonly release: string;
    readonly arch: string;
  },
  sha256: Sha256,
): string {
  const fileName = `${name}-${version}-${release}.${arch}.${sha256.slice(0, 12)}.rpm`;
  return `Packages/${name.slice(0, 1).toLowerCase()}/${fileName}`;
}

/** Whether a path of a repository holds a digest of the content: such a path never means other bytes. */
export function isContentNamed(location: string): boolean {
  return contentNamed.test(location);
}

const contentNamed =
  /^(?:repodata\/[0-9a-f]{64}-[\w.]+|Packages\/[^/]+\/[^/]+\.[0-9a-f]{12}\.rpm)$/;

/** The metadata files that a repomd.xml names. */
export function metadataLocations(repomd: string): readonly string[] {
  return [...repomd.matchAll(/<location\s[^>]*?href="([^"]+)"/g)].flatMap(([, href]) => href ?? []);
}
