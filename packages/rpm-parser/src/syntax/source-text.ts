import type { Place } from "@cleanroom/core";

/** How the bytes of a file became text; the way back is the same for each. */
export type TextEncoding = "utf-8" | "latin1" | "text";

/**
 * A file's text with its line starts. Bytes that are not UTF-8 are taken as Latin-1, so that every
 * input has a text that turns back into the same bytes.
 */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly encoding: TextEncoding;
  #lineStarts: Uint32Array | undefined;

  constructor(file: string, input: string | Uint8Array) {
    this.file = file;
    if (typeof input === "string") {
      this.text = input;
      this.encoding = "text";
      return;
    }
    const decoded = decode(input);
    this.text = decoded.text;
    this.encoding = decoded.encoding;
  }

  /** The bytes this text came from. */
  toBytes(): Uint8Array {
    return Buffer.from(this.text, this.encoding === "latin1" ? "latin1" : "utf8");
  }

  /** Offset of each line's first character; what is beyond {@link linesMax} counts as one line. */
  get lineStarts(): Uint32Array {
    this.#lineStarts ??= findLineStarts(this.text);
    return this.#lineStarts;
  }

  /** 1-based line and column of an offset. */
  place(offset: number): Place {
    const starts = this.lineStarts;
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { file: this.file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }
}

/** More lines than any spec that is meant; what comes after them is kept, but not looked at. */
export const linesMax = 400_000;

function findLineStarts(text: string): Uint32Array {
  let starts = new Uint32Array(1024);
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0 && count < linesMax; at = text.indexOf("\n", at + 1)) {
    if (count === starts.length) {
      const grown = new Uint32Array(starts.length * 2);
      grown.set(starts);
      starts = grown;
    }
    starts[count] = at + 1;
    count += 1;
  }
  return starts.subarray(0, count);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): { text: string; encoding: TextEncoding } {
  try {
    return { text: utf8.decode(bytes), encoding: "utf-8" };
  } catch {
    return {
      text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"),
      encoding: "latin1",
    };
  }
}
