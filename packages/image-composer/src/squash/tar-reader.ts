import { CleanroomError } from "@cleanroom/core";

/** An entry of somebody else's archive. */
export interface ReadEntry {
  /** All its header blocks as they were, those in front of it (pax, GNU's long names) included. */
  readonly header: Uint8Array;
  /** Below the root, without slashes at either end; empty for the root itself. */
  readonly path: string;
  readonly type: "directory" | "file" | "link" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly sizeBytes: number;
  /** Of a hard link, below the root. */
  readonly linkTarget: string;
  /** Extended attributes (`SCHILY.xattr.`): name to value. */
  readonly attributes: Readonly<Record<string, Uint8Array>>;
  /** The content; what is left unread is skipped. */
  readonly data: AsyncIterable<Uint8Array>;
}

const blockBytes = 512;
/** What one header may say in words: far more than any path or attribute. */
const extensionBytesMax = 8 * 1024 * 1024;

/**
 * Reads an archive as it comes: ustar, pax extended headers (POSIX.1-2017) and GNU's long names.
 * A library is not used because those at hand read attributes as text, and would spoil them.
 *
 * @throws {CleanroomError} `layer-damaged`
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ReadEntry, void, undefined> {
  const source = new BlockSource(chunks);
  try {
    yield* entriesOf(source);
  } finally {
    // An archive may end before its source does.
    await source.close();
  }
}

async function* entriesOf(source: BlockSource): AsyncGenerator<ReadEntry, void, undefined> {
  let blocks: Uint8Array[] = [];
  let records = new Map<string, Uint8Array>();
  for (;;) {
    const block = await source.take(blockBytes);
    // Two blocks of zeros end an archive, and so does its end.
    if (block === undefined || block.every((byte) => byte === 0)) break;
    checkSum(block);
    blocks.push(block);
    const flag = String.fromCharCode(block[156] ?? 0);
    const size = Number(textOf(records.get("size")) ?? numberAt(block, 124, 12));
    if (!Number.isSafeInteger(size) || size < 0) throw damaged("an entry has no size");
    if ("xgLK".includes(flag)) {
      if (size > extensionBytesMax) throw damaged("an entry's names are longer than any");
      const body = (await source.take(padded(size))) ?? damagedNow("it ends inside an entry");
      blocks.push(body);
      const value = body.subarray(0, size);
      if (flag === "L") records.set("path", untilZero(value));
      else if (flag === "K") records.set("linkpath", untilZero(value));
      else for (const [key, one] of paxRecords(value)) records.set(key, one);
      continue;
    }
    const isFile = flag === "0" || flag === "\0" || flag === "7";
    const dataBytes = "123456".includes(flag) ? 0 : size;
    const number = (key: string, at: number, length: number): number =>
      Number(textOf(records.get(key)) ?? numberAt(block, at, length));
    const content = source.part(dataBytes);
    yield {
      header: Buffer.concat(blocks),
      path: clean(textOf(records.get("path")) ?? nameAt(block)),
      type: flag === "5" ? "directory" : flag === "1" ? "link" : isFile ? "file" : "other",
      mode: numberAt(block, 100, 8) & 0o7777,
      uid: number("uid", 108, 8),
      gid: number("gid", 116, 8),
      mtimeSeconds: Math.floor(number("mtime", 136, 12)),
      sizeBytes: dataBytes,
      // A symbolic link may lead wherever it wants to.
      linkTarget:
        flag === "1" ? clean(textOf(records.get("linkpath")) ?? stringAt(block, 157, 100)) : "",
      attributes: Object.fromEntries(
        [...records].flatMap(([key, value]) =>
          key.startsWith("SCHILY.xattr.") ? [[key.slice("SCHILY.xattr.".length), value]] : [],
        ),
      ),
      data: content,
    };
    for await (const chunk of content) void chunk;
    await source.take(padded(dataBytes) - dataBytes);
    blocks = [];
    records = new Map();
  }
}

class BlockSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #pending: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** So many bytes; undefined at the end. */
  async take(length: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const some = await this.#some(missing);
      if (some === undefined) {
        if (parts.length === 0) return undefined;
        throw damaged("it ends inside an entry");
      }
      parts.push(some);
      missing -= some.length;
    }
    return Buffer.concat(parts);
  }

  /** The next bytes as they come, once; what was not read the first time comes the second time. */
  part(length: number): AsyncIterable<Uint8Array> {
    let missing = length;
    return {
      [Symbol.asyncIterator]: () => ({
        next: async (): Promise<IteratorResult<Uint8Array>> => {
          if (missing === 0) return { done: true, value: undefined };
          const some = await this.#some(missing);
          if (some === undefined) throw damaged("it ends inside an entry");
          missing -= some.length;
          return { done: false, value: some };
        },
      }),
    };
  }

  async #some(max: number): Promise<Uint8Array | undefined> {
    while (this.#pending.length === 0) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      this.#pending = next.value;
    }
    const some = this.#pending.subarray(0, max);
    this.#pending = this.#pending.subarray(some.length);
    return some;
  }
}

function* paxRecords(body: Uint8Array): Generator<[string, Uint8Array]> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(" ", at);
    const length = Number(bytes.toString("latin1", at, space));
    const equals = bytes.indexOf("=", space);
    const end = at + length;
    if (!Number.isInteger(length) || length <= 0 || equals < 0 || end > bytes.length) {
      throw damaged("an extended header is none");
    }
    yield [bytes.toString("utf8", space + 1, equals), bytes.subarray(equals + 1, end - 1)];
    at = end;
  }
}

function checkSum(block: Uint8Array): void {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  if (sum !== numberAt(block, 148, 8)) throw damaged("an entry's checksum is wrong");
}

/** Octal, or base 256 where the first bit is set (GNU tar's manual, "Basic Tar Format"). */
function numberAt(block: Uint8Array, at: number, length: number): number {
  if (((block[at] ?? 0) & 0x80) !== 0) {
    let value = (block[at] ?? 0) & 0x7f;
    for (const byte of block.subarray(at + 1, at + length)) value = value * 256 + byte;
    return value;
  }
  const text = stringAt(block, at, length).trim();
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function nameAt(block: Uint8Array): string {
  const name = stringAt(block, 0, 100);
  const prefix = stringAt(block, 257, 6) === "ustar" ? stringAt(block, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function stringAt(block: Uint8Array, at: number, length: number): string {
  return Buffer.from(untilZero(block.subarray(at, at + length))).toString("utf8");
}

function untilZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}

/** @throws {CleanroomError} for a path that leaves the root */
function clean(path: string): string {
  const steps = path.split("/").filter((step) => step !== "" && step !== ".");
  if (steps.includes("..")) throw damaged(`${JSON.stringify(path)} leads out of the image`);
  return steps.join("/");
}

function padded(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

function damaged(why: string): CleanroomError {
  return new CleanroomError("layer-damaged", `a layer is no proper archive: ${why}`, {
    hint: "fetch or build the image again",
  });
}

function damagedNow(why: string): never {
  throw damaged(why);
}
