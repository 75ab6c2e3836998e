import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ByteSource } from "../byte-source.ts";
import { CompressionError, LzmaDecoder } from "./lzma-decoder.ts";

const headerBytes = 12;
const outputBytes = 256 * 1024;
/** Bytes of the check after a block, by its kind: none, CRC32, CRC64, SHA-256. */
const checkBytes: Readonly<Record<number, number>> = { 0: 0, 1: 4, 4: 8, 10: 32 };

/**
 * An xz file's content (the format's specification, version 1.2.0), with LZMA2 as its only filter, as
 * rpm writes it. CRC32 and SHA-256 are checked; a CRC64 is passed over.
 */
export async function* decompressXz(
  source: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let isFirst = true; ; isFirst = false) {
    const first = await source.takeSome(1);
    if (first === undefined) {
      if (isFirst) throw new CompressionError("it is empty");
      return;
    }
    if (!isFirst && first[0] === 0) continue;
    const rest = await source.take(headerBytes - 1, "the xz header");
    const header = Buffer.concat([first, rest]);
    if (header.toString("latin1", 0, 6) !== "\u00fd7zXZ\u0000" || header[6] !== 0) {
      throw new CompressionError("it does not begin as xz does");
    }
    if (crc32(header.subarray(6, 8)) !== header.readUInt32LE(8)) {
      throw new CompressionError("its header is damaged");
    }
    const check = checkBytes[header[7] ?? 0];
    if (check === undefined) throw new CompressionError("it has a check of unknown kind");
    yield* streamContent(source, check);
  }
}

async function* streamContent(
  source: ByteSource,
  check: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const size = (await source.take(1, "an xz block"))[0] ?? 0;
    if (size === 0) {
      await skipIndex(source);
      return;
    }
    const header = await source.take(size * 4 + 3, "an xz block's header");
    const dictionaryBytes = dictionaryOf(size, header);
    const hash = check === 32 ? createHash("sha256") : undefined;
    let crc = 0;
    const start = source.offset;
    for await (const output of lzma2Content(source, dictionaryBytes)) {
      if (check === 4) crc = crc32(output, crc);
      hash?.update(output);
      yield output;
    }
    const padding = (4 - ((source.offset - start) % 4)) % 4;
    const end = await source.take(padding + check, "an xz block's check");
    const expected = Buffer.from(end.subarray(padding));
    if (
      (check === 4 && expected.readUInt32LE(0) !== crc) ||
      (hash !== undefined && !hash.digest().equals(expected))
    ) {
      throw new CompressionError("its content is damaged");
    }
  }
}

/** The size of the dictionary that a block's header gives; the header's first byte is its size. */
function dictionaryOf(size: number, header: Uint8Array): number {
  const bytes = Buffer.concat([Uint8Array.of(size), header]);
  const end = bytes.length - 4;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) {
    throw new CompressionError("a block's header is damaged");
  }
  const flags = bytes[1] ?? 0;
  let at = 2;
  // Sizes of the block, each a number of seven bits a byte.
  for (const bit of [0x40, 0x80]) {
    if ((flags & bit) === 0) continue;
    while (at < end && ((bytes[at] ?? 0) & 0x80) !== 0) at += 1;
    at += 1;
  }
  const isLzma2 = (flags & 0x3f) === 0 && bytes[at] === 0x21 && bytes[at + 1] === 1;
  const bits = bytes[at + 2] ?? 0;
  if (!isLzma2 || bits > 40) throw new CompressionError("it uses a filter other than LZMA2");
  return bits === 40 ? 0xffffffff : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11);
}

/** The index says again what was seen; its records are passed over. */
async function skipIndex(source: ByteSource): Promise<void> {
  const start = source.offset - 1;
  const number = async (): Promise<number> => {
    let value = 0;
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = (await source.take(1, "the xz index"))[0] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new CompressionError("its index is damaged");
  };
  const records = await number();
  for (let record = 0; record < records; record += 1) {
    await number();
    await number();
  }
  const padding = (4 - ((source.offset - start) % 4)) % 4;
  const footer = await source.take(padding + 4 + headerBytes, "the end of the xz data");
  if (Buffer.from(footer).toString("latin1", footer.length - 2) !== "YZ") {
    throw new CompressionError("it does not end as xz does");
  }
}

/** LZMA2: chunks of at most 2 MiB, each with what it changes of the decoder's state. */
async function* lzma2Content(
  source: ByteSource,
  dictionaryBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new LzmaDecoder(dictionaryBytes);
  let needsDictionary = true;
  for (;;) {
    const control = (await source.take(1, "an LZMA2 chunk"))[0] ?? 0;
    if (control === 0) return;
    if (control >= 0xe0 || control === 1) {
      decoder.resetDictionary();
      needsDictionary = false;
    }
    if (needsDictionary || (control > 2 && control < 0x80)) {
      throw new CompressionError("a chunk is not LZMA2");
    }
    if (control < 0x80) {
      const size = Buffer.from(await source.take(2, "an LZMA2 chunk")).readUInt16BE(0) + 1;
      yield decoder.store(await source.take(size, "an LZMA2 chunk")).slice();
      continue;
    }
    const sizes = Buffer.from(await source.take(4, "an LZMA2 chunk"));
    const unpackedBytes = ((control & 0x1f) << 16) + sizes.readUInt16BE(0) + 1;
    if (control >= 0xc0) {
      decoder.setProperties((await source.take(1, "an LZMA2 chunk"))[0] ?? 0);
    } else if (control >= 0xa0) decoder.resetState();
    if (!decoder.hasProperties) throw new CompressionError("a chunk is not LZMA2");
    decoder.begin(await source.take(sizes.readUInt16BE(2) + 1, "an LZMA2 chunk"));
    const { output } = decoder.decode(unpackedBytes, true);
    if (output.length !== unpackedBytes || decoder.inputLeft > 0) {
      throw new CompressionError("a chunk is not as long as it says");
    }
    yield output;
  }
}

/** The content of an `.lzma` file: one LZMA stream, its size known or marked by its end. */
export async function* decompressLzma(
  source: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = Buffer.from(await source.take(13, "the LZMA header"));
  const decoder = new LzmaDecoder(header.readUInt32LE(1));
  decoder.setProperties(header[0] ?? 0);
  const size = header.readBigUInt64LE(5);
  let left = size === 0xffffffffffffffffn ? Infinity : Number(size);
  decoder.begin(await source.take(5, "the LZMA data"));
  for (let isLast = false; left > 0;) {
    const { output, isEnd } = decoder.decode(Math.min(left, outputBytes), isLast);
    left -= output.length;
    if (output.length > 0) yield output;
    if (isEnd) return;
    if (output.length === Math.min(left + output.length, outputBytes)) continue;
    const more = await source.takeSome(Infinity);
    if (more === undefined) isLast = true;
    else decoder.feed(more);
  }
}
