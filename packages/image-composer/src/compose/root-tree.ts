import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import path from "node:path";

/** Something in an installed root. */
export interface RootEntry {
  /** Below the root, without a leading slash. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  /** Of a regular file. */
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number;
  /** Target of a symbolic link. */
  readonly linkTarget: string;
}

/** How many symbolic links one path may lead through, as in Linux. */
const linksMax = 40;

/** All of an installed root, by path; and where paths through symbolic links really lead. */
export class RootTree {
  readonly folder: string;
  /** Sorted by path, parents before what is in them. */
  readonly entries: ReadonlyMap<string, RootEntry>;
  readonly #folders = new Map<string, string>([["", ""]]);

  private constructor(folder: string, entries: ReadonlyMap<string, RootEntry>) {
    this.folder = folder;
    this.entries = entries;
  }

  /** Reads the tree. Synchronously: it is many times faster, and there is nothing else to do. */
  static read(folder: string): RootTree {
    const entries: RootEntry[] = [];
    const visit = (inside: string): void => {
      for (const name of readdirSync(`${folder}/${inside}`)) {
        const entry = readEntry(folder, inside === "" ? name : `${inside}/${name}`);
        entries.push(entry);
        if (entry.type === "directory") visit(entry.path);
      }
    };
    visit("");
    entries.sort((a, b) => (a.path < b.path ? -1 : 1));
    return new RootTree(folder, new Map(entries.map((entry) => [entry.path, entry])));
  }

  /** The host path of an entry. */
  hostPath(inside: string): string {
    return path.join(this.folder, inside);
  }

  /**
   * Where a package's file really is: its folder's symbolic links followed inside the root (a
   * package may name /bin/sh where /bin is a link to usr/bin), its own name left as it is.
   */
  locate(absolutePath: string): string {
    const inside = absolutePath.replace(/^\/+/, "");
    const folder = this.#resolve(parentOf(inside), linksMax);
    const name = inside.slice(inside.lastIndexOf("/") + 1);
    return folder === "" ? name : `${folder}/${name}`;
  }

  #resolve(inside: string, links: number): string {
    const known = this.#folders.get(inside);
    if (known !== undefined) return known;
    const parent = this.#resolve(parentOf(inside), links);
    const name = inside.slice(inside.lastIndexOf("/") + 1);
    const here = parent === "" ? name : `${parent}/${name}`;
    const entry = this.entries.get(here);
    let result = here;
    if (entry?.type === "symlink" && links > 0) {
      // Normalized below /, so that no chain of .. leaves the root.
      const target = path.posix.resolve(`/${parent}`, entry.linkTarget).slice(1);
      result = this.#resolve(target, links - 1);
    }
    this.#folders.set(inside, result);
    return result;
  }
}

/** The folder of a path below the root; empty for the root itself. */
export function parentOf(inside: string): string {
  return inside.slice(0, Math.max(0, inside.lastIndexOf("/")));
}

function readEntry(folder: string, inside: string): RootEntry {
  const host = `${folder}/${inside}`;
  const stat = lstatSync(host);
  const type = stat.isDirectory()
    ? "directory"
    : stat.isFile()
      ? "file"
      : stat.isSymbolicLink()
        ? "symlink"
        : "other";
  return {
    path: inside,
    type,
    mode: stat.mode & 0o7777,
    sizeBytes: type === "file" ? stat.size : 0,
    mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
    linkTarget: type === "symlink" ? readlinkSync(host) : "",
  };
}
