import { createReadStream } from "node:fs";
import { headerTag, readRpmHeader, type RpmFile, type RpmHeader } from "rpm-parser";

/** One way in which two packages of one name differ. */
export interface RpmDifference {
  /** `file PATH` or `tag NAME`. */
  readonly what: string;
  readonly first: string;
  readonly second: string;
}

/** Tags that say in sum what others say one by one. */
const derivedTags = new Set<number>([
  headerTag.fileDigests,
  headerTag.fileSizes,
  headerTag.longFileSizes,
  headerTag.fileModes,
  headerTag.payloadDigest,
  headerTag.payloadDigestAlt,
]);

/**
 * What differs between two .rpm files: files by what the headers say of them (content, mode, time,
 * owner), then all other header tags by name.
 */
export async function compareRpms(first: string, second: string): Promise<RpmDifference[]> {
  const [one, other] = await Promise.all(
    [first, second].map((file) => readRpmHeader(createReadStream(file))),
  );
  if (one === undefined || other === undefined) return [];
  return [...compareFiles(one, other), ...compareTags(one, other)];
}

function compareFiles(first: RpmHeader, second: RpmHeader): RpmDifference[] {
  const describe = (file: RpmFile | undefined): string =>
    file === undefined
      ? "absent"
      : `sha256 ${file.digest ?? "none"}, ${file.sizeBytes} bytes, mode ${file.mode.toString(8)}, time ${file.mtimeSeconds}, ${file.user}:${file.group}`;
  const before = new Map(first.files.map((file) => [file.path, file]));
  const after = new Map(second.files.map((file) => [file.path, file]));
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((path) => {
    const [one, other] = [describe(before.get(path)), describe(after.get(path))];
    return one === other ? [] : [{ what: `file ${path}`, first: one, second: other }];
  });
}

function compareTags(first: RpmHeader, second: RpmHeader): RpmDifference[] {
  const names = new Map<number, string>(
    Object.entries(headerTag).map(([name, tag]) => [tag, name]),
  );
  const text = (header: RpmHeader, tag: number): string =>
    JSON.stringify(header.main.value(tag) ?? null).slice(0, 300);
  return [...new Set([...first.main.tags, ...second.main.tags])]
    .filter((tag) => !derivedTags.has(tag))
    .toSorted((a, b) => a - b)
    .flatMap((tag) => {
      const [one, other] = [text(first, tag), text(second, tag)];
      if (one === other) return [];
      return [{ what: `tag ${names.get(tag) ?? tag}`, first: one, second: other }];
    });
}
