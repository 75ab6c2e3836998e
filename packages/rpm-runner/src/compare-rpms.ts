import { createReadStream } from "node:fs";
import { headerTag, readRpmHeader, type RpmFile, type RpmHeader } from "rpm-parser";

/** One way in which two packages of one name differ. */
export interface RpmDifference {
  /** `file PATH` or `tag NAME`. */
  readonly what: string;
  readonly first: string;
  readonly second: string;
}

/** Header region of all tags (rpm's lib/rpmtag.h): it differs when there are more or fewer. */
const immutableRegion = 63;

/** Tags that say in sum what others say one by one. */
const derivedTags = new Set<number>([
  immutableRegion,
  headerTag.fileDigests,
  headerTag.fileSizes,
  headerTag.longFileSizes,
  headerTag.fileModes,
  headerTag.payloadDigest,
  headerTag.payloadDigestAlt,
]);

/**
 * What differs between two .rpm files: files by what the headers say of them (content, mode, time,
 * owner), then all other header tags by name; where nothing of that does, the payload.
 *
 * @param ignored tags that may differ
 */
export async function compareRpms(
  first: string,
  second: string,
  ignored: readonly number[] = [],
): Promise<RpmDifference[]> {
  const [one, other] = await Promise.all(
    [first, second].map((file) => readRpmHeader(createReadStream(file))),
  );
  if (one === undefined || other === undefined) return [];
  const found = [...compareFiles(one, other), ...compareTags(one, other, ignored)];
  // The same files can be packed in other ways.
  return found.length > 0 ? found : compareValues(one, other, headerTag.payloadDigest);
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

function compareTags(
  first: RpmHeader,
  second: RpmHeader,
  ignored: readonly number[],
): RpmDifference[] {
  return [...new Set([...first.main.tags, ...second.main.tags])]
    .filter((tag) => !derivedTags.has(tag) && !ignored.includes(tag))
    .toSorted((a, b) => a - b)
    .flatMap((tag) => compareValues(first, second, tag));
}

const tagNames = new Map<number, string>(
  Object.entries(headerTag).map(([name, tag]) => [tag, name]),
);

function compareValues(first: RpmHeader, second: RpmHeader, tag: number): RpmDifference[] {
  const [one, other] = [first, second].map((header) =>
    JSON.stringify(header.main.value(tag) ?? null),
  );
  if (one === other || one === undefined || other === undefined) return [];
  const what = `tag ${tagNames.get(tag) ?? tag}`;
  return [{ what, first: one.slice(0, 300), second: other.slice(0, 300) }];
}
