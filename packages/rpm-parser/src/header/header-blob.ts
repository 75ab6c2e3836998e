import { isAscii } from "node:buffer";
import { CleanroomError } from "@cleanroom/core";

/** The eight bytes every header starts with: magic, version 1, four reserved bytes. */
const magic = [0x8e, 0xad, 0xe8, 0x01] as const;

/** Bytes of the fixed part of a header: magic, entry count, data length. */
export const headerIntroBytes = 16;

/** rpm's own bounds on a header (rpm's `lib/header.c`). */
const entriesMax = 0xffff;
const dataBytesMax = 256 * 1024 * 1024;

const entryBytes = 16;

/** What a tag holds, as its type says; integers wider than 53 bits never occur in practice. */
export type TagValue =
  | { readonly type: "null" }
  | { readonly type: "integers"; readonly values: readonly number[] }
  | { readonly type: "strings"; readonly values: readonly string[] }
  | { readonly type: "binary"; readonly bytes: Uint8Array };

/**
 * From how many strings of a tag on they are pieces of one text. Each of these keeps the whole text in
 * memory, which single strings (names, versions) that are kept for long should not.
 */
const manyStrings = 8;

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/** How many bytes the header takes, from its first {@link headerIntroBytes} bytes. */
export function headerSizeBytes(intro: Uint8Array, what: string): number {
  const { entryCount, dataBytes } = readIntro(intro, what);
  return headerIntroBytes + entryCount * entryBytes + dataBytes;
}

/**
 * One header of an .rpm: tags in their on-disk form, decoded when asked for. Format: rpm's
 * `docs/manual/format_header.md`. Every access is bounds-checked; a header that lies about itself
 * fails with `rpm-header-invalid`.
 */
export class HeaderBlob {
  /** The header's bytes, intro included; not copied. */
  readonly bytes: Uint8Array;
  readonly #what: string;
  readonly #view: DataView;
  /** The same bytes. */
  readonly #buffer: Buffer;
  readonly #dataStart: number;
  readonly #entries = new Map<number, Entry>();
  /** All bytes as Latin-1: each byte a character. Made when many strings are asked for. */
  #characters: string | undefined;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.#what = what;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { entryCount, dataBytes } = readIntro(bytes, what);
    this.#dataStart = headerIntroBytes + entryCount * entryBytes;
    if (this.#dataStart + dataBytes !== bytes.length) {
      throw invalid(what, `it should be ${this.#dataStart + dataBytes} bytes, not ${bytes.length}`);
    }
    for (let index = 0; index < entryCount; index += 1) {
      const at = headerIntroBytes + index * entryBytes;
      const tag = this.#view.getInt32(at);
      const type = this.#view.getInt32(at + 4);
      const offset = this.#view.getInt32(at + 8);
      const count = this.#view.getUint32(at + 12);
      this.#check(tag, { type, offset, count }, dataBytes);
      // The first of two equal tags counts, as in rpm's binary search after a stable sort.
      if (!this.#entries.has(tag)) this.#entries.set(tag, { type, offset, count });
    }
  }

  /** All tag numbers present, in on-disk order. */
  get tags(): readonly number[] {
    return [...this.#entries.keys()];
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** A tag's value, or undefined when the header has no such tag. */
  value(tag: number): TagValue | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    if (entry.type === 0) return { type: "null" };
    if (entry.type === 7) return { type: "binary", bytes: this.#binary(entry) };
    if (entry.type === 6 || entry.type === 8 || entry.type === 9) {
      return { type: "strings", values: this.#strings(tag, entry) };
    }
    return { type: "integers", values: this.#integers(tag, entry) };
  }

  /** The tag's strings; empty when absent. A tag of another type fails. */
  strings(tag: number): readonly string[] {
    const value = this.value(tag);
    if (value === undefined) return [];
    if (value.type !== "strings") throw invalid(this.#what, `tag ${tag} should hold strings`);
    return value.values;
  }

  /** The tag's integers; empty when absent. A tag of another type fails. */
  integers(tag: number): readonly number[] {
    const value = this.value(tag);
    if (value === undefined) return [];
    if (value.type !== "integers") throw invalid(this.#what, `tag ${tag} should hold integers`);
    return value.values;
  }

  /** The tag's first string: for translated tags that is the untranslated text. */
  string(tag: number): string | undefined {
    return this.strings(tag)[0];
  }

  integer(tag: number): number | undefined {
    return this.integers(tag)[0];
  }

  #check(tag: number, { type, offset, count }: Entry, dataBytes: number): void {
    const width = [0, 1, 1, 2, 4, 8, 1, 1, 1, 1][type];
    if (width === undefined) throw invalid(this.#what, `tag ${tag} has the unknown type ${type}`);
    // A region tag's trailer offset is the only negative one, and lives in the data, not here.
    if (offset < 0 || offset > dataBytes || count * width > dataBytes - offset) {
      throw invalid(this.#what, `tag ${tag} points outside the header`);
    }
    if (type === 6 && count !== 1) throw invalid(this.#what, `tag ${tag} holds ${count} strings`);
  }

  #binary({ offset, count }: Entry): Uint8Array {
    const start = this.#dataStart + offset;
    return this.bytes.subarray(start, start + count);
  }

  #integers(tag: number, { type, offset, count }: Entry): readonly number[] {
    const start = this.#dataStart + offset;
    const view = this.#view;
    if (type < 1 || type > 5) throw invalid(this.#what, `tag ${tag} should hold integers`);
    const values: number[] = [];
    for (let index = 0; index < count; index += 1) {
      if (type === 4) values.push(view.getUint32(start + index * 4));
      else if (type === 3) values.push(view.getUint16(start + index * 2));
      else if (type === 5) values.push(Number(view.getBigUint64(start + index * 8)));
      else values.push(view.getUint8(start + index));
    }
    return values;
  }

  #strings(tag: number, { offset, count }: Entry): readonly string[] {
    const start = this.#dataStart + offset;
    if (count >= manyStrings) return this.#manyStrings(tag, start, count);
    const values: string[] = [];
    for (let at = start, index = 0; index < count; index += 1) {
      const end = this.#buffer.indexOf(0, at);
      if (end < 0) throw this.#endless(tag);
      values.push(decodeText(this.#buffer, at, end));
      at = end + 1;
    }
    return values;
  }

  /** To take pieces of one text is several times as fast as to decode each string. */
  #manyStrings(tag: number, start: number, count: number): readonly string[] {
    const characters = (this.#characters ??= this.#buffer.toString("latin1"));
    const values: string[] = [];
    let at = start;
    for (let index = 0; index < count; index += 1) {
      const end = characters.indexOf("\0", at);
      if (end < 0) throw this.#endless(tag);
      values.push(characters.slice(at, end));
      at = end + 1;
    }
    if (isAscii(this.#buffer.subarray(start, at))) return values;
    at = start;
    return values.map((value) => {
      const end = at + value.length;
      const text = decodeText(this.#buffer, at, end);
      at = end + 1;
      return text;
    });
  }

  #endless(tag: number): CleanroomError {
    return invalid(this.#what, `tag ${tag} has a string without an end`);
  }
}

/** UTF-8 where it is, Latin-1 where the bytes are not UTF-8: so any text comes out whole. */
function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  return text.includes("\u{fffd}") ? bytes.toString("latin1", start, end) : text;
}

function readIntro(bytes: Uint8Array, what: string): { entryCount: number; dataBytes: number } {
  if (bytes.length < headerIntroBytes) throw invalid(what, "the file ends inside it");
  if (magic.some((byte, index) => bytes[index] !== byte)) {
    throw invalid(what, "it does not start with the header magic");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerIntroBytes);
  const entryCount = view.getUint32(8);
  const dataBytes = view.getUint32(12);
  if (entryCount > entriesMax) throw invalid(what, `it claims ${entryCount} tags`);
  if (dataBytes > dataBytesMax) throw invalid(what, `it claims ${dataBytes} bytes of data`);
  return { entryCount, dataBytes };
}

/** The error of every malformed header. */
export function invalid(what: string, why: string): CleanroomError {
  return new CleanroomError("rpm-header-invalid", `${what} is not a valid RPM header: ${why}`, {
    hint: "The .rpm is damaged or was not made by rpm; fetch or build it again.",
  });
}
