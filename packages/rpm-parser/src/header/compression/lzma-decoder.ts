/** What is wrong with compressed data; the reader of the payload says where. */
export class CompressionError extends Error {}

const probabilityStart = 1024;
const stateCount = 12;
const positionStatesMax = 16;
const lengthMin = 2;
/** No symbol takes more bytes of input than this. */
const symbolBytesMax = 21;
/** Output made at once by what has no chunks of its own. */
const slackBytes = 2 * 1024 * 1024;
/** xz -9 uses 64 MiB; more is no package that anyone made. */
const dictionaryBytesMax = 256 * 1024 * 1024;

/** Probabilities of a match's length. */
class LengthModel {
  readonly choice = probabilities(2);
  readonly low = probabilities(positionStatesMax << 3);
  readonly middle = probabilities(positionStatesMax << 3);
  readonly high = probabilities(256);

  reset(): void {
    for (const model of [this.choice, this.low, this.middle, this.high]) {
      model.fill(probabilityStart);
    }
  }
}

function probabilities(count: number): Uint16Array {
  return new Uint16Array(count).fill(probabilityStart);
}

/**
 * LZMA, as the public-domain `lzma-specification.txt` of the LZMA SDK describes it. It decodes as much as there
 * is input for, into a window that holds the dictionary; the caller takes what came and feeds on.
 */
export class LzmaDecoder {
  readonly #dictionaryBytes: number;
  /** Grows with what comes, up to the size of the dictionary and some room to slide in. */
  #window: Uint8Array = new Uint8Array(64 * 1024);
  /** Where in the window the next byte goes, and how much before it may be referred to. */
  #at = 0;
  #history = 0;

  #input: Uint8Array = new Uint8Array(0);
  #inputAt = 0;
  #range = 0;
  #code = 0;

  #literalContextBits = 0;
  #literalPositionMask = 0;
  #positionMask = 0;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  /** A match of which the output had no room. */
  #matchLeft = 0;
  #literals: Uint16Array = new Uint16Array(0);
  readonly #isMatch = probabilities(stateCount << 4);
  readonly #isRep = probabilities(stateCount);
  readonly #isRepG0 = probabilities(stateCount);
  readonly #isRepG1 = probabilities(stateCount);
  readonly #isRepG2 = probabilities(stateCount);
  readonly #isRep0Long = probabilities(stateCount << 4);
  readonly #slots = probabilities(4 << 6);
  readonly #distances = probabilities(128);
  readonly #align = probabilities(16);
  readonly #lengths = new LengthModel();
  readonly #repLengths = new LengthModel();

  constructor(dictionaryBytes: number) {
    if (dictionaryBytes > dictionaryBytesMax) {
      throw new CompressionError(`a dictionary of ${dictionaryBytes} bytes is too large`);
    }
    this.#dictionaryBytes = Math.max(dictionaryBytes, 4096);
  }

  /** Takes the byte that holds lc, lp and pb, and forgets all probabilities. */
  setProperties(byte: number): void {
    if (byte >= 9 * 5 * 5) throw new CompressionError("wrong LZMA properties");
    this.#literalContextBits = byte % 9;
    const literalPositionBits = Math.floor(byte / 9) % 5;
    this.#literalPositionMask = (1 << literalPositionBits) - 1;
    this.#positionMask = (1 << Math.floor(byte / 45)) - 1;
    const bits = this.#literalContextBits + literalPositionBits;
    this.#literals = probabilities(0x300 << bits);
    this.resetState();
  }

  get hasProperties(): boolean {
    return this.#literals.length > 0;
  }

  resetState(): void {
    this.#state = this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = this.#matchLeft = 0;
    for (const model of [
      this.#literals,
      this.#isMatch,
      this.#isRep,
      this.#isRepG0,
      this.#isRepG1,
      this.#isRepG2,
      this.#isRep0Long,
      this.#slots,
      this.#distances,
      this.#align,
    ]) {
      model.fill(probabilityStart);
    }
    this.#lengths.reset();
    this.#repLengths.reset();
  }

  resetDictionary(): void {
    this.#history = 0;
  }

  /** Bytes that stand as they are. */
  store(bytes: Uint8Array): Uint8Array {
    this.#makeRoom(bytes.length);
    this.#window.set(bytes, this.#at);
    this.#at += bytes.length;
    this.#history += bytes.length;
    return bytes;
  }

  /** Begins with range-coded input: its first five bytes set the range decoder up. */
  begin(input: Uint8Array): void {
    if (input.length < 5) throw new CompressionError("it ends early");
    if (input[0] !== 0) throw new CompressionError("LZMA data begins with a zero byte");
    this.#range = 0xffffffff;
    this.#code = Buffer.from(input.buffer, input.byteOffset, input.byteLength).readUInt32BE(1);
    this.#input = input;
    this.#inputAt = 5;
  }

  /** Goes on with more input; what was not used of the last comes first. */
  feed(input: Uint8Array): void {
    const rest = this.#input.subarray(this.#inputAt);
    this.#input = rest.length === 0 ? input : Buffer.concat([rest, input]);
    this.#inputAt = 0;
  }

  /** How much input was not used. */
  get inputLeft(): number {
    return this.#input.length - this.#inputAt;
  }

  /**
   * Decodes at most so many bytes.
   *
   * @param isLast whether the input is all there is; otherwise the last few bytes of it wait for more.
   * @returns the bytes, and whether a marker said that the data ends here.
   */
  decode(outputBytesMax: number, isLast: boolean): { output: Uint8Array; isEnd: boolean } {
    this.#makeRoom(outputBytesMax);
    const start = this.#at;
    const end = start + outputBytesMax;
    const inputEnd = isLast ? Infinity : this.#input.length - symbolBytesMax;
    let isEnd = false;
    if (this.#matchLeft > 0) this.#copy(end);
    while (this.#at < end && this.#inputAt <= inputEnd && !isEnd) isEnd = this.#symbol(end);
    return { output: this.#window.slice(start, this.#at), isEnd };
  }

  #makeRoom(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#window.length) return;
    const lengthMax = this.#dictionaryBytes + slackBytes;
    if (this.#window.length < lengthMax) {
      const grown = new Uint8Array(Math.min(Math.max(needed, this.#window.length * 2), lengthMax));
      grown.set(this.#window.subarray(0, this.#at));
      this.#window = grown;
      if (needed <= grown.length) return;
    }
    const kept = Math.min(this.#history, this.#dictionaryBytes);
    this.#window.copyWithin(0, this.#at - kept, this.#at);
    this.#at = kept;
  }

  /** One literal or match; true at the end marker. */
  #symbol(end: number): boolean {
    const positionState = this.#history & this.#positionMask;
    const state = this.#state;
    if (this.#bit(this.#isMatch, (state << 4) + positionState) === 0) {
      this.#literal();
      return false;
    }
    let length: number;
    if (this.#bit(this.#isRep, state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      length = this.#length(this.#lengths, positionState);
      this.#state = state < 7 ? 7 : 10;
      this.#rep0 = this.#distance(length);
      if (this.#rep0 === 0xffffffff) return true;
    } else if (this.#isShortRep(state, positionState)) {
      this.#state = state < 7 ? 9 : 11;
      length = 1 - lengthMin;
    } else {
      length = this.#length(this.#repLengths, positionState);
      this.#state = state < 7 ? 8 : 11;
    }
    if (this.#rep0 >= Math.min(this.#history, this.#dictionaryBytes)) {
      throw new CompressionError("it refers to what was never there");
    }
    this.#matchLeft = length + lengthMin;
    this.#copy(end);
    return false;
  }

  /** Chooses which of the last four distances is meant; true for one byte at the last of them. */
  #isShortRep(state: number, positionState: number): boolean {
    if (this.#bit(this.#isRepG0, state) === 0) {
      return this.#bit(this.#isRep0Long, (state << 4) + positionState) === 0;
    }
    let distance = this.#rep1;
    if (this.#bit(this.#isRepG1, state) !== 0) {
      if (this.#bit(this.#isRepG2, state) === 0) distance = this.#rep2;
      else {
        distance = this.#rep3;
        this.#rep3 = this.#rep2;
      }
      this.#rep2 = this.#rep1;
    }
    this.#rep1 = this.#rep0;
    this.#rep0 = distance;
    return false;
  }

  #copy(end: number): void {
    const count = Math.min(this.#matchLeft, end - this.#at);
    const window = this.#window;
    const distance = this.#rep0 + 1;
    for (let at = this.#at, stop = at + count; at < stop; at += 1) {
      window[at] = window[at - distance] ?? 0;
    }
    this.#at += count;
    this.#history += count;
    this.#matchLeft -= count;
  }

  #literal(): void {
    const previous = this.#history === 0 ? 0 : (this.#window[this.#at - 1] ?? 0);
    const context =
      ((this.#history & this.#literalPositionMask) << this.#literalContextBits) +
      (previous >> (8 - this.#literalContextBits));
    const base = 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      let matched = this.#window[this.#at - this.#rep0 - 1] ?? 0;
      do {
        const matchBit = (matched >> 7) & 1;
        matched <<= 1;
        const bit = this.#bit(this.#literals, base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (matchBit !== bit) break;
      } while (symbol < 0x100);
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(this.#literals, base + symbol);
    this.#window[this.#at] = symbol & 0xff;
    this.#at += 1;
    this.#history += 1;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #length(model: LengthModel, positionState: number): number {
    if (this.#bit(model.choice, 0) === 0) return this.#tree(model.low, positionState << 3, 3);
    if (this.#bit(model.choice, 1) === 0) {
      return 8 + this.#tree(model.middle, positionState << 3, 3);
    }
    return 16 + this.#tree(model.high, 0, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(this.#slots, Math.min(length, 3) << 6, 6);
    if (slot < 4) return slot;
    const directBits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) << directBits;
    if (slot < 14) return base + this.#reverseTree(this.#distances, base - slot, directBits);
    let value = 0;
    for (let index = directBits - 4; index > 0; index -= 1) value = (value << 1) | this.#direct();
    return ((base + (value << 4)) >>> 0) + this.#reverseTree(this.#align, 0, 4);
  }

  #tree(model: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    for (let index = 0; index < bits; index += 1) {
      symbol = (symbol << 1) | this.#bit(model, base + symbol);
    }
    return symbol - (1 << bits);
  }

  #reverseTree(model: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      const bit = this.#bit(model, base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << index;
    }
    return value;
  }

  #bit(model: Uint16Array, index: number): number {
    const probability = model[index] ?? 0;
    const bound = (this.#range >>> 11) * probability;
    let bit = 0;
    if (this.#code < bound) {
      this.#range = bound;
      model[index] = probability + ((2048 - probability) >> 5);
    } else {
      this.#range -= bound;
      this.#code -= bound;
      model[index] = probability - (probability >> 5);
      bit = 1;
    }
    if (this.#range < 0x1000000) this.#normalize();
    return bit;
  }

  /** A bit that is as often one as zero. */
  #direct(): number {
    const half = this.#range >>> 1;
    let bit = 0;
    if (this.#code >= half) {
      this.#code -= half;
      bit = 1;
    }
    this.#range = half;
    if (this.#range < 0x1000000) this.#normalize();
    return bit;
  }

  #normalize(): void {
    if (this.#inputAt >= this.#input.length) throw new CompressionError("it ends early");
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | (this.#input[this.#inputAt] ?? 0)) >>> 0;
    this.#inputAt += 1;
  }
}
