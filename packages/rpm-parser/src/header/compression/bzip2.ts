import type { ByteSource } from "../byte-source.ts";
import { CompressionError } from "./lzma-decoder.ts";

const groupSymbols = 50;
const codeBitsMax = 20;
const blockMagic = 0x314159265359;
const endMagic = 0x177245385090;
/** Output handed on at once. */
const outputBytes = 256 * 1024;

/** A bzip2 file's content, block by block (at most 900 kB each); every block's CRC is checked. */
export async function* decompressBzip2(
  source: ByteSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bits = new BitReader(source);
  for (let isFirst = true; ; isFirst = false) {
    if (!(await bits.alignedHasMore())) {
      if (isFirst) throw new CompressionError("it is empty");
      return;
    }
    const level = (await bits.read(8 * 3)) === 0x425a68 ? (await bits.read(8)) - 0x30 : 0;
    if (level < 1 || level > 9) throw new CompressionError("it does not begin as bzip2 does");
    for (;;) {
      const magic = (await bits.read(24)) * 2 ** 24 + (await bits.read(24));
      const crc = (await bits.read(16)) * 2 ** 16 + (await bits.read(16));
      if (magic === endMagic) break;
      if (magic !== blockMagic) throw new CompressionError("a block does not begin as it should");
      yield* blockContent(await readBlock(bits, level * 100_000), crc);
    }
  }
}

/** Bits in order, the highest of each byte first. */
class BitReader {
  readonly #source: ByteSource;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkAt = 0;
  #bits = 0;
  #count = 0;
  #isAtEnd = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Up to 24 bits. */
  async read(count: number): Promise<number> {
    if (!this.has(count)) await this.more(count);
    return this.take(count);
  }

  /** Whether so many bits can be taken at once. */
  has(count: number): boolean {
    while (this.#count < count && this.#chunkAt < this.#chunk.length) {
      this.#bits = (this.#bits << 8) | (this.#chunk[this.#chunkAt] ?? 0);
      this.#chunkAt += 1;
      this.#count += 8;
    }
    return this.#count >= count || this.#isAtEnd;
  }

  /** Waits for so many bits, or the end of the data. */
  async more(count: number): Promise<void> {
    while (!this.has(count)) {
      const next = await this.#source.takeSome(Infinity);
      if (next === undefined) this.#isAtEnd = true;
      else {
        this.#chunk = next;
        this.#chunkAt = 0;
      }
    }
  }

  /** The next bits, not yet taken; zeros follow the end of the data. */
  peek(count: number): number {
    const missing = count - this.#count;
    const bits = missing > 0 ? this.#bits << missing : this.#bits >>> -missing;
    return bits & ((1 << count) - 1);
  }

  take(count: number): number {
    if (count > this.#count) throw new CompressionError("it ends early");
    const bits = this.peek(count);
    this.#count -= count;
    return bits;
  }

  /** Goes to the next whole byte, and says whether there is one. */
  async alignedHasMore(): Promise<boolean> {
    this.#count -= this.#count % 8;
    await this.more(8);
    return this.#count >= 8;
  }
}

/** A code's symbols sorted by length, with the first code and index of each length. */
interface HuffmanTable {
  readonly symbols: Uint16Array;
  readonly firstCode: Int32Array;
  readonly firstIndex: Int32Array;
  readonly counts: Int32Array;
  readonly sizeMin: number;
}

interface Block {
  /** The bytes before the transform, as the successor of each in the bits above eight. */
  readonly chain: Uint32Array;
  readonly start: number;
  readonly length: number;
}

async function readBlock(bits: BitReader, lengthMax: number): Promise<Block> {
  if ((await bits.read(1)) !== 0) throw new CompressionError("a block is randomized");
  const origin = await bits.read(24);
  const used: number[] = [];
  const rows = await bits.read(16);
  for (let row = 0; row < 16; row += 1) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = await bits.read(16);
    for (let column = 0; column < 16; column += 1) {
      if ((columns & (0x8000 >> column)) !== 0) used.push(row * 16 + column);
    }
  }
  const tableCount = await bits.read(3);
  const selectorCount = await bits.read(15);
  if (used.length === 0 || tableCount < 2 || tableCount > 6 || selectorCount === 0) {
    throw new CompressionError("a block's header is wrong");
  }
  const selectors = await readSelectors(bits, selectorCount, tableCount);
  const tables: HuffmanTable[] = [];
  for (let table = 0; table < tableCount; table += 1) {
    tables.push(await readTable(bits, used.length + 2));
  }
  const { symbols, length } = await readSymbols(bits, { used, selectors, tables, lengthMax });
  if (origin >= length) throw new CompressionError("a block's origin is outside it");
  return invert(symbols, length, origin);
}

async function readSelectors(
  bits: BitReader,
  count: number,
  tableCount: number,
): Promise<Uint8Array> {
  const order = Array.from({ length: tableCount }, (_, index) => index);
  const selectors = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) {
    let index = 0;
    while ((await bits.read(1)) === 1) {
      index += 1;
      if (index >= tableCount) throw new CompressionError("a block's selector is wrong");
    }
    const [selector = 0] = order.splice(index, 1);
    order.unshift(selector);
    selectors[at] = selector;
  }
  return selectors;
}

async function readTable(bits: BitReader, symbolCount: number): Promise<HuffmanTable> {
  const lengths = new Uint8Array(symbolCount);
  let length = await bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    for (;;) {
      if (length < 1 || length > codeBitsMax) throw new CompressionError("a code is too long");
      if ((await bits.read(1)) === 0) break;
      length += (await bits.read(1)) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const counts = new Int32Array(codeBitsMax + 2);
  for (const one of lengths) counts[one] = (counts[one] ?? 0) + 1;
  const firstCode = new Int32Array(codeBitsMax + 2);
  const firstIndex = new Int32Array(codeBitsMax + 2);
  for (let size = 1, code = 0, index = 0; size <= codeBitsMax; size += 1) {
    firstCode[size] = code;
    firstIndex[size] = index;
    code = (code + (counts[size] ?? 0)) << 1;
    index += counts[size] ?? 0;
  }
  const sorted = Array.from(lengths, (size, symbol) => ({ size, symbol })).toSorted(
    (a, b) => a.size - b.size || a.symbol - b.symbol,
  );
  const symbols = Uint16Array.from(sorted, (one) => one.symbol);
  return { symbols, firstCode, firstIndex, counts, sizeMin: sorted[0]?.size ?? 1 };
}

/** Huffman codes, run lengths and move-to-front undone: the block as the transform left it. */
async function readSymbols(
  bits: BitReader,
  block: {
    readonly used: readonly number[];
    readonly selectors: Uint8Array;
    readonly tables: readonly HuffmanTable[];
    readonly lengthMax: number;
  },
): Promise<{ symbols: Uint32Array; length: number }> {
  const order = Uint8Array.from(block.used);
  const endSymbol = order.length + 1;
  const symbols = new Uint32Array(block.lengthMax);
  let length = 0;
  let runLength = 0;
  let runBit = 1;
  const put = (byte: number, count: number): void => {
    if (length + count > block.lengthMax) throw new CompressionError("a block is too long");
    symbols.fill(byte, length, length + count);
    length += count;
  };
  for (const selector of block.selectors) {
    const table = block.tables[selector];
    if (table === undefined) throw new CompressionError("a block's selector is wrong");
    for (let left = groupSymbols; left > 0; left -= 1) {
      if (!bits.has(codeBitsMax)) await bits.more(codeBitsMax);
      const symbol = readSymbol(bits, table);
      if (symbol < 2) {
        runLength += runBit << symbol;
        runBit <<= 1;
        if (runLength > block.lengthMax) throw new CompressionError("a block is too long");
        continue;
      }
      if (runLength > 0) {
        put(order[0] ?? 0, runLength);
        runLength = 0;
      }
      runBit = 1;
      if (symbol === endSymbol) return { symbols, length };
      const index = symbol - 1;
      const byte = order[index] ?? 0;
      order.copyWithin(1, 0, index);
      order[0] = byte;
      put(byte, 1);
    }
  }
  throw new CompressionError("a block has no end");
}

function readSymbol(bits: BitReader, table: HuffmanTable): number {
  const ahead = bits.peek(codeBitsMax);
  for (let size = table.sizeMin; size <= codeBitsMax; size += 1) {
    const offset = (ahead >>> (codeBitsMax - size)) - (table.firstCode[size] ?? 0);
    if (offset >= 0 && offset < (table.counts[size] ?? 0)) {
      bits.take(size);
      return table.symbols[(table.firstIndex[size] ?? 0) + offset] ?? 0;
    }
  }
  throw new CompressionError("a code is unknown");
}

/** The inverse of the Burrows-Wheeler transform, as a chain through the block. */
function invert(symbols: Uint32Array, length: number, origin: number): Block {
  const starts = new Uint32Array(257);
  for (let at = 0; at < length; at += 1) {
    const next = (symbols[at] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let byte = 1; byte < 257; byte += 1) {
    starts[byte] = (starts[byte] ?? 0) + (starts[byte - 1] ?? 0);
  }
  for (let at = 0; at < length; at += 1) {
    const byte = (symbols[at] ?? 0) & 0xff;
    const place = starts[byte] ?? 0;
    starts[byte] = place + 1;
    symbols[place] = ((symbols[place] ?? 0) & 0xff) | (at << 8);
  }
  return { chain: symbols, start: (symbols[origin] ?? 0) >>> 8, length };
}

/** Walks the chain and undoes the first run lengths: after four equal bytes comes a count. */
function* blockContent(
  { chain, start, length }: Block,
  expectedCrc: number,
): Generator<Uint8Array> {
  let output = new Uint8Array(outputBytes + 256);
  let used = 0;
  let crc = 0xffffffff;
  let at = start;
  let last = -1;
  let equal = 0;
  for (let index = 0; index < length; index += 1) {
    const entry = chain[at] ?? 0;
    const byte = entry & 0xff;
    at = entry >>> 8;
    if (equal === 4) {
      for (let count = byte; count > 0; count -= 1) {
        output[used++] = last;
        crc = ((crc << 8) ^ (crcTable[((crc >>> 24) ^ last) & 0xff] ?? 0)) >>> 0;
      }
      equal = 0;
      last = -1;
    } else {
      equal = byte === last ? equal + 1 : 1;
      last = byte;
      output[used++] = byte;
      crc = ((crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
    }
    if (used >= outputBytes) {
      yield output.subarray(0, used);
      output = new Uint8Array(outputBytes + 256);
      used = 0;
    }
  }
  if (~crc >>> 0 !== expectedCrc) throw new CompressionError("a block is damaged");
  if (used > 0) yield output.subarray(0, used);
}

/** CRC-32 with the highest bit first, unlike zlib's. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc >>> 0;
});
