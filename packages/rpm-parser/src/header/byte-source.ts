import { CleanroomError } from "@cleanroom/core";

/** Bytes that arrive in order: a file's stream, an HTTP body, or an array of chunks. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Reads exact lengths from a stream of chunks, then hands over the rest. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #pending: Uint8Array = new Uint8Array(0);
  readonly #name: string;
  #offset = 0;

  /** @param name what the stream is, in messages: `the .rpm`. */
  constructor(chunks: ByteChunks, name: string) {
    this.#name = name;
    this.#chunks =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** How many bytes have been taken so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Exactly so many bytes; fails with `rpm-truncated` where the stream ends first. */
  async take(length: number, what: string): Promise<Uint8Array> {
    if (this.#pending.length >= length) {
      const taken = this.#pending.subarray(0, length);
      this.#pending = this.#pending.subarray(length);
      this.#offset += length;
      return taken;
    }
    // Collected as they come: a header that claims 256 MB of data costs only what really follows.
    const parts = [this.#pending];
    let have = this.#pending.length;
    while (have < length) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        throw new CleanroomError(
          "rpm-truncated",
          `${this.#name} ends at byte ${this.#offset + have}, inside ${what}`,
          { hint: "Fetch or build the package again." },
        );
      }
      parts.push(next.value);
      have += next.value.length;
    }
    const all = Buffer.concat(parts, have);
    this.#pending = all.subarray(length);
    this.#offset += length;
    return all.subarray(0, length);
  }

  /** Between one byte and `max`, without copying; undefined at the end of the stream. */
  async takeSome(max: number): Promise<Uint8Array | undefined> {
    while (this.#pending.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#pending = next.value;
    }
    const taken = this.#pending.subarray(0, max);
    this.#pending = this.#pending.subarray(taken.length);
    this.#offset += taken.length;
    return taken;
  }

  /** The bytes that were not taken, in chunks as they come. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#pending.length > 0) {
      this.#offset += this.#pending.length;
      yield this.#pending;
    }
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return;
      this.#offset += next.value.length;
      yield next.value;
    }
  }

  /** Lets the stream's owner close it; the rest is not read. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
