import { CleanroomError } from "@cleanroom/core";
import { type ByteChunks, ByteSource } from "./byte-source.ts";
import { decompressPayload } from "./compression/decompress.ts";
import { fileFlagBits, type RpmFile } from "./file-list.ts";
import type { RpmPackage } from "./read-package.ts";

/** One file of the payload, in archive order. */
export interface PayloadEntry {
  readonly file: RpmFile;
  /**
   * The other names of a hard-linked file. A set of hard links comes as one entry, when its content
   * does; `file` is the last of the set.
   */
  readonly links: readonly RpmFile[];
  /**
   * A regular file's content, once; empty for every other type. Content left unread is skipped when
   * the next entry is asked for.
   */
  readonly data: AsyncIterable<Uint8Array>;
}

/** `070701`, mode and the rest: thirteen 8-digit fields after the magic. */
const newcHeaderBytes = 110;
/** rpm's own stripped entry for packages with files over 4 GB: magic, file index, padding. */
const strippedHeaderBytes = 16;
const nameBytesMax = 64 * 1024;
/** What may follow the last entry; a bomb of zeros would be read for hours. */
const paddingBytesMax = 1024 * 1024;

/**
 * The files of an opened package, uncompressed and in archive order; ghosts are not in the archive.
 * Reading to the end also checks the payload's digest. Sizes are checked against the header, so a
 * forged archive cannot grow beyond what the header claims. Formats: `cpio` newc, and rpm's
 * stripped form (rpm's `lib/cpio.c`).
 *
 * @throws CleanroomError `rpm-payload-invalid`, `rpm-truncated`, `rpm-payload-digest`.
 */
export async function* readPayload(rpm: RpmPackage): AsyncGenerator<PayloadEntry, void, undefined> {
  const { files, payload } = rpm.header;
  const source = new ByteSource(
    decompressPayload(payload.compressor, rpm.payload),
    `the payload of ${rpm.header.nevra}`,
  );
  try {
    yield* readArchive(source, files);
    // The rest is padding; the digest is checked once all of it has been read.
    const end = source.offset;
    while ((await source.takeSome(Infinity)) !== undefined) {
      if (source.offset - end > paddingBytesMax) {
        throw invalidPayload("it goes on after its last entry");
      }
    }
  } finally {
    await source.close();
  }
}

/** The entries of an uncompressed archive that belongs to the given files. */
export function readCpio(
  chunks: ByteChunks,
  files: readonly RpmFile[],
): AsyncGenerator<PayloadEntry, void, undefined> {
  return readArchive(new ByteSource(chunks, "the archive"), files);
}

async function* readArchive(
  source: ByteSource,
  files: readonly RpmFile[],
): AsyncGenerator<PayloadEntry, void, undefined> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const linkSets = hardLinkSets(files);
  const seen = new Set<number>();
  for (;;) {
    const entry = await readEntryHeader(source, files, byPath, linkSets);
    if (entry === undefined) return;
    const { file, sizeBytes } = entry;
    if (seen.has(file.index)) throw invalidPayload(`${file.path} is in the archive twice`);
    seen.add(file.index);
    const content = new EntryContent(source, sizeBytes);
    const set = linkSets.get(file.index);
    const isRegular = file.type === "file";
    if (isRegular && sizeBytes !== file.sizeBytes && !(sizeBytes === 0 && set !== undefined)) {
      throw invalidPayload(`${file.path} has ${sizeBytes} bytes, not ${file.sizeBytes}`);
    }
    if (!isRegular && sizeBytes > nameBytesMax) {
      throw invalidPayload(`${file.path} is no regular file, yet has ${sizeBytes} bytes`);
    }
    const isComplete =
      set === undefined || sizeBytes > 0 || set.every((one) => seen.has(one.index));
    if (isComplete) {
      const links = set === undefined ? [] : set.filter((one) => one !== file);
      yield { file, links, data: isRegular ? content.stream() : noBytes() };
    }
    await content.finish();
  }
}

/** A file's bytes in the archive, and the padding after them. */
class EntryContent {
  readonly #source: ByteSource;
  readonly #padding: number;
  #left: number;

  constructor(source: ByteSource, sizeBytes: number) {
    this.#source = source;
    this.#left = sizeBytes;
    this.#padding = paddingOf(source.offset + sizeBytes);
  }

  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
      yield chunk;
    }
  }

  async finish(): Promise<void> {
    while ((await this.#next()) !== undefined);
    await this.#source.take(this.#padding, "an archive entry's padding");
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#left === 0) return undefined;
    const chunk = await this.#source.takeSome(this.#left);
    if (chunk === undefined) throw invalidPayload(`it ends ${this.#left} bytes early`);
    this.#left -= chunk.length;
    return chunk;
  }
}

// eslint-disable-next-line require-yield
async function* noBytes(): AsyncGenerator<Uint8Array, void, undefined> {}

async function readEntryHeader(
  source: ByteSource,
  files: readonly RpmFile[],
  byPath: ReadonlyMap<string, RpmFile>,
  linkSets: ReadonlyMap<number, readonly RpmFile[]>,
): Promise<{ file: RpmFile; sizeBytes: number } | undefined> {
  const what = "an archive entry";
  const magic = ascii(await source.take(6, what));
  if (magic === "07070X") {
    const rest = ascii(await source.take(strippedHeaderBytes - 6, what));
    const file = files[hexadecimal(rest, 0)];
    if (file === undefined) throw invalidPayload("an entry refers to no file of the header");
    return { file, sizeBytes: strippedSizeBytes(file, linkSets) };
  }
  if (magic !== "070701" && magic !== "070702") {
    throw invalidPayload("an archive entry does not start with cpio's magic");
  }
  const fields = ascii(await source.take(newcHeaderBytes - 6, what));
  const sizeBytes = hexadecimal(fields, 6);
  const nameBytes = hexadecimal(fields, 11);
  if (nameBytes > nameBytesMax) throw invalidPayload("an archive entry's name is too long");
  const start = source.offset;
  const raw = await source.take(nameBytes, what);
  const name = Buffer.from(raw.buffer, raw.byteOffset, Math.max(0, nameBytes - 1)).toString("utf8");
  await source.take(paddingOf(start + nameBytes), what);
  if (name === "TRAILER!!!") return undefined;
  const file = byPath.get(name.startsWith("./") ? name.slice(1) : name) ?? byPath.get(`/${name}`);
  if (file === undefined)
    throw invalidPayload(`it holds '${name}', which the header does not list`);
  return { file, sizeBytes };
}

/** The stripped form has no size: the header's counts, and of a hard-linked set the last has it. */
function strippedSizeBytes(
  file: RpmFile,
  linkSets: ReadonlyMap<number, readonly RpmFile[]>,
): number {
  if (file.type === "symlink") return file.sizeBytes;
  if (file.type !== "file") return 0;
  const set = linkSets.get(file.index);
  return set === undefined || set.at(-1) === file ? file.sizeBytes : 0;
}

/** Sets of more than one name for the same inode, by the index of each member. */
function hardLinkSets(files: readonly RpmFile[]): ReadonlyMap<number, readonly RpmFile[]> {
  const byInode = new Map<string, RpmFile[]>();
  for (const file of files) {
    if (file.type !== "file" || (file.flagBits & fileFlagBits.ghost) !== 0) continue;
    const key = `${file.device}:${file.inode}`;
    const set = byInode.get(key);
    if (set === undefined) byInode.set(key, [file]);
    else set.push(file);
  }
  const sets = new Map<number, readonly RpmFile[]>();
  for (const set of byInode.values()) {
    if (set.length > 1) for (const file of set) sets.set(file.index, set);
  }
  return sets;
}

function paddingOf(offset: number): number {
  return (4 - (offset % 4)) % 4;
}

function ascii(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

function hexadecimal(fields: string, index: number): number {
  const text = fields.slice(index * 8, index * 8 + 8);
  if (!/^[0-9a-fA-F]{8}$/.test(text)) throw invalidPayload("an archive entry's field is no number");
  return Number.parseInt(text, 16);
}

function invalidPayload(why: string): CleanroomError {
  return new CleanroomError("rpm-payload-invalid", `the payload is not valid: ${why}`, {
    hint: "The .rpm is damaged or was not made by rpm; fetch or build it again.",
  });
}
