import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import path from "node:path";

/** How deep a chain of symbolic links may go, as in Linux. */
const linkLimit = 40;

/** What a tree was given as a copy. */
export interface CopiedFile {
  readonly mode: number;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Of a symbolic link. */
  readonly linkTarget?: string;
}

/**
 * Lays a tree of files over another one: folders are made anew, files become further names of the
 * same files (hard links), or copies. A folder that is a symbolic link in the target is followed
 * as it would be inside the target, never out of it, as rpm does when it unpacks.
 *
 * Synchronous: ten thousand system calls of some microseconds each, which a thread pool makes
 * several times slower.
 */
export class LinkedTree {
  readonly #root: string;
  readonly #copies: boolean;
  readonly #copied = new Map<string, CopiedFile>();
  /** Folders known to be there: where each really is, by its path below the root. */
  readonly #folders = new Map<string, string>([["", ""]]);

  constructor(root: string, { copies }: { readonly copies: boolean }) {
    this.#root = root;
    this.#copies = copies;
  }

  /** The copies and folders of a tree of copies, by where they are below the root. */
  get copied(): ReadonlyMap<string, CopiedFile> {
    return this.#copied;
  }

  add(source: string): void {
    this.#addFolder(source, "");
  }

  /** Makes sure of a folder and its parents. @returns where it really is, below the root */
  makeFolder(below: string, depth = 0): string {
    const known = this.#folders.get(below);
    if (known !== undefined) return known;
    if (depth > linkLimit) throw new Error(`too many symbolic links at ${below}`);
    const parent = this.makeFolder(dirname(below), depth);
    const here = path.join(parent, path.basename(below));
    const real = this.#enter(here, parent, depth);
    this.#folders.set(below, real);
    return real;
  }

  #addFolder(source: string, below: string): void {
    const real = this.makeFolder(below);
    const mode = statSync(source).mode & 0o7777;
    // Folders that no package owns have the usual mode; it must not hide what an owner wanted.
    if (below !== "" && mode !== 0o755) {
      chmodSync(path.join(this.#root, real), mode);
      this.#noteFolder(real, mode);
    }
    for (const entry of readdirSync(source, { withFileTypes: true })) {
      const from = `${source}/${entry.name}`;
      if (entry.isDirectory()) this.#addFolder(from, joined(below, entry.name));
      else this.#addFile(from, joined(real, entry.name));
    }
  }

  /** @param below where it really is, below the root */
  #addFile(source: string, below: string): void {
    const target = `${this.#root}/${below}`;
    try {
      if (!this.#copies) linkSync(source, target);
      else this.#copied.set(below, this.#copy(source, target));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") {
        const isLink = lstatSync(source).isSymbolicLink();
        if (isLink && lstatSync(target).isDirectory()) this.#moveBehind(source, below);
        else {
          // The same file of two packages: rpm has seen to it that they agree.
          rmSync(target, { recursive: true });
          this.#addFile(source, below);
        }
      } else if (code === "EMLINK" || code === "EXDEV" || code === "EPERM") {
        this.#copy(source, target);
      } else throw error;
    }
  }

  /**
   * A link where a folder is: rpm, which orders packages, would have followed it. What is in the
   * folder moves to where the link leads.
   */
  #moveBehind(link: string, below: string): void {
    const target = path.join(this.#root, below);
    const aside = `${target}.behind`;
    renameSync(target, aside);
    for (const known of [this.#folders, this.#copied]) {
      for (const name of known.keys()) {
        if (name === below || name.startsWith(`${below}/`)) known.delete(name);
      }
    }
    this.#addFile(link, below);
    this.#addFolder(aside, below);
    rmSync(aside, { recursive: true });
  }

  #copy(source: string, target: string): CopiedFile {
    const entry = lstatSync(source);
    const mode = entry.mode & 0o7777;
    const mtimeSeconds = Math.floor(entry.mtimeMs / 1000);
    const copied = { mode, sizeBytes: entry.size, mtimeSeconds };
    if (entry.isSymbolicLink()) {
      const linkTarget = readlinkSync(source);
      symlinkSync(linkTarget, target);
      return { ...copied, linkTarget };
    }
    copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    chmodSync(target, mode);
    utimesSync(target, entry.atime, entry.mtime);
    return copied;
  }

  #noteFolder(below: string, mode: number): void {
    if (this.#copies) this.#copied.set(below, { mode, sizeBytes: 0, mtimeSeconds: 0 });
  }

  #enter(here: string, parent: string, depth: number): string {
    const target = path.join(this.#root, here);
    const entry = lstatSync(target, { throwIfNoEntry: false });
    if (entry?.isDirectory() === true) return here;
    if (entry?.isSymbolicLink() === true) {
      // `/..` is `/`: nothing leads out of the root.
      const end = path.resolve("/", parent, readlinkSync(target)).slice(1);
      return this.makeFolder(end, depth + 1);
    }
    if (entry !== undefined) rmSync(target);
    mkdirSync(target);
    chmodSync(target, 0o755);
    this.#noteFolder(here, 0o755);
    return here;
  }
}

/** As `path.join`, for names that are names already: it is called for every file of a root. */
function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** As `path.dirname`, with "" for the root. */
function dirname(below: string): string {
  const parent = path.dirname(below);
  return parent === "." ? "" : parent;
}
