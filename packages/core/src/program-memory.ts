import { appendFileSync, readFileSync, truncateSync } from "node:fs";
import path from "node:path";
import type { Json, Sha256 } from "./digest.ts";

/** When there is this much, all is forgotten, for nobody can tell what is still asked for. */
const bytesMax = 256 * 1024 * 1024;

const digestLength = 64;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** A value that was worked out, as JSON. */
export interface Learnt {
  readonly inputs: Sha256;
  readonly json: string;
}

/**
 * What a program has worked out before and would work out again at each start: values of pure
 * functions, by the digest of what they are made from. They hold for one program alone, since
 * another one may work out something else.
 *
 * They are lines of one file, to which each run adds what is new to it when it ends: thousands of
 * files would take longer to make than most values. Nothing depends on it: what cannot be read, or
 * written, or was left as half a line, counts as never worked out.
 */
export class ProgramMemory {
  readonly #file: string | undefined;
  #bytes: Buffer | undefined;
  readonly #known = new Map<Sha256, Span>();
  /** What is new to this run, as JSON. */
  readonly #fresh = new Map<Sha256, string>();

  /** Who keeps what is new to this thread. */
  #handOver: ((learnt: Learnt) => void) | undefined;

  /** @param file where the values are kept; nothing is kept without one */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** The value of these inputs; undefined when it is not known. */
  recall(inputs: Sha256): unknown {
    const bytes = (this.#bytes ??= this.#read());
    const span = this.#known.get(inputs);
    const json = this.#fresh.get(inputs) ?? (span && bytes.toString("utf8", span.start, span.end));
    if (json === undefined) return undefined;
    try {
      return JSON.parse(json);
    } catch {
      return undefined;
    }
  }

  /** Keeps a value for the runs to come. */
  remember(inputs: Sha256, value: Json): void {
    if (this.#handOver !== undefined) this.#handOver({ inputs, json: JSON.stringify(value) });
    else if (this.#file !== undefined) this.learn({ inputs, json: JSON.stringify(value) });
  }

  /** Has what is new kept by the memory of another thread, which is to {@link learn} it. */
  handOver(to: (learnt: Learnt) => void): void {
    this.#handOver = to;
  }

  /** Keeps what another thread worked out; without a file as long as this run takes. */
  learn({ inputs, json }: Learnt): void {
    this.#fresh.set(inputs, json);
  }

  /** Writes down what is new. */
  save(): void {
    if (this.#file === undefined || this.#fresh.size === 0) return;
    const lines = [...this.#fresh].map(([inputs, json]) => `${inputs} ${json}\n`);
    this.#fresh.clear();
    try {
      if ((this.#bytes?.length ?? 0) > bytesMax) truncateSync(this.#file);
      // In one write, so that runs do not mix; on a line of its own, whatever a killed one left.
      appendFileSync(this.#file, `\n${lines.join("")}`);
    } catch {
      // A folder that nobody may write to, or a full disk: it is worked out again.
    }
  }

  #read(): Buffer {
    let bytes: Buffer;
    try {
      bytes = this.#file === undefined ? Buffer.alloc(0) : readFileSync(this.#file);
    } catch {
      return Buffer.alloc(0);
    }
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const value = start + digestLength + 1;
      const inputs = bytes.toString("latin1", start, value - 1);
      if (value < end) this.#known.set(inputs, { start: value, end });
      start = end + 1;
    }
    return bytes;
  }
}

/** The folder of the bundle that runs; undefined where the sources run, which may change. */
const bundleFolder = import.meta.filename.endsWith(".js")
  ? path.dirname(import.meta.filename)
  : undefined;

/** The memory of this very program. */
export const programMemory = new ProgramMemory(
  bundleFolder === undefined ? undefined : path.join(bundleFolder, "memory"),
);
process.once("exit", () => programMemory.save());
