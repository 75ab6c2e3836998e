import { readFileSync, type Stats } from "node:fs";

/** A file that was read, and what it was then. */
interface RecentFile {
  readonly bytes: Buffer;
  readonly stat: Stats;
}

/**
 * The files that were asked for last, in memory: what one machine installs, many others do at the same
 * time, and to read a small package takes as long as to send it. Nothing is believed of a file that
 * became another one.
 */
export class RecentFiles {
  /** The one that was asked for last comes last. */
  readonly #files = new Map<string, RecentFile>();
  readonly #mostBytes: number;
  #sizeBytes = 0;

  /** @param mostBytes of all files together */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * The bytes of a file.
   *
   * @param stat what it is now
   * @throws Error when it cannot be read
   */
  read(file: string, stat: Stats): Buffer {
    const known = this.#files.get(file);
    if (known !== undefined) this.#forget(file, known);
    const bytes =
      known !== undefined && isSame(known.stat, stat) ? known.bytes : readFileSync(file);
    this.#files.set(file, { bytes, stat });
    this.#sizeBytes += bytes.length;
    for (const [oldest, one] of this.#files) {
      if (this.#sizeBytes <= this.#mostBytes) break;
      this.#forget(oldest, one);
    }
    return bytes;
  }

  #forget(file: string, { bytes }: RecentFile): void {
    this.#files.delete(file);
    this.#sizeBytes -= bytes.length;
  }
}

function isSame(before: Stats, now: Stats): boolean {
  return (
    before.ino === now.ino &&
    before.size === now.size &&
    before.mtimeMs === now.mtimeMs &&
    before.ctimeMs === now.ctimeMs
  );
}
