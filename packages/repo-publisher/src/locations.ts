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
