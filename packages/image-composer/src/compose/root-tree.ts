import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { type LayeredRoot, ownFolders } from "@cleanroom/rootfs";
import type { RpmFile, RpmHeader } from "rpm-parser";

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
  /** Where a file or link is on the host; of folders it says nothing. */
  readonly hostPath: string;
}

/** How many symbolic links one path may lead through, as in Linux. */
const linksMax = 40;

/** What rpm's database says of a file that is there (RPMFILE_STATE_NORMAL). */
const stateNormal = 0;

/** Of a folder that nothing says more about. */
const usualFolderMode = 0o755;

/** All of an installed root, by path; and where paths through symbolic links really lead. */
export class RootTree {
  /** Sorted by path, parents before what is in them. */
  readonly entries: ReadonlyMap<string, RootEntry>;
  readonly #found = new Map<string, RootEntry>();
  /** Paths that packages list and have. */
  readonly #listed = new Set<string>();
  /** Targets of symbolic links by where they are. */
  #links: ReadonlyMap<string, string>;
  readonly #folders = new Map<string, string>();

  /**
   * Puts a root together: the packages that were there while scriptlets ran, what these changed, and the
   * other packages. Packages' files are as their headers say; only what was changed is looked at. rpm's
   * database is not among them.
   *
   * @param headers of the root's packages, in their order
   */
  constructor(root: Omit<LayeredRoot, "database">, headers: readonly Pick<RpmHeader, "files">[]) {
    const files = root.packages.map(({ states }, index) =>
      (headers[index]?.files ?? []).filter(
        // A ghost is there only when something made it.
        (file) => states[file.index] === stateNormal && !file.flags.includes("ghost"),
      ),
    );
    const changes = readChanges(root.changes);
    this.#links = linksOf([...files.flat(), ...changes]);
    for (let before = 0; before < linksMax; before += 1) {
      const located = new Map([...this.#links].map(([path, to]) => [this.locate(path), to]));
      const isStable = [...located.keys()].every((path) => this.#links.has(path));
      this.#links = located;
      this.#folders.clear();
      if (isStable) break;
    }
    for (const folder of ownFolders) this.#addFolder(folder);
    const addPackages = (isActive: boolean): void => {
      for (const [index, one] of root.packages.entries()) {
        if (one.isActive !== isActive) continue;
        for (const file of files[index] ?? []) this.#addFile(file, one.files);
      }
    };
    addPackages(true);
    for (const path of root.removed) this.#remove(path);
    for (const entry of changes) this.#addChange(entry);
    addPackages(false);
    this.entries = new Map([...this.#found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /**
   * Where a package's file really is: its folder's symbolic links followed inside the root (a
   * package may name /bin/sh where /bin is a link to usr/bin), its own name left as it is.
   */
  locate(absolutePath: string): string {
    const inside = absolutePath.replace(/^\/+/, "");
    const parent = parentOf(inside);
    const folder = this.#resolve(parent, linksMax);
    if (folder === parent) return inside;
    const name = inside.slice(inside.lastIndexOf("/") + 1);
    return folder === "" ? name : `${folder}/${name}`;
  }

  /** @param folder where the package's files are on the host */
  #addFile(file: RpmFile, folder: string): void {
    const path = this.locate(file.path);
    const known = this.#found.get(path);
    const mode = file.mode & 0o7777;
    if (file.type === "directory") {
      // The usual mode gives way to one that a package has chosen.
      if (known?.type !== "directory" || mode !== usualFolderMode) this.#addFolder(path, mode);
      this.#listed.add(path);
      return;
    }
    // Of packages that share a file, which is the same in each of them, the first one has it.
    if (known !== undefined && this.#listed.has(path)) return;
    this.#listed.add(path);
    this.#addFolder(parentOf(path));
    this.#found.set(path, {
      path,
      type: file.type === "file" || file.type === "symlink" ? file.type : "other",
      mode,
      sizeBytes: file.type === "file" ? file.sizeBytes : 0,
      mtimeSeconds: file.mtimeSeconds,
      linkTarget: file.type === "symlink" ? file.linkTarget : "",
      hostPath: `${folder}${file.path}`,
    });
  }

  /** What scriptlets left of a folder says nothing of the mode that a package wants for it. */
  #addChange(entry: RootEntry): void {
    const { path, type } = entry;
    if (type === "directory" && this.#listed.has(path) && this.#found.has(path)) return;
    this.#found.set(path, entry);
  }

  #addFolder(path: string, mode?: number): void {
    if (path === "" || (mode === undefined && this.#found.has(path))) return;
    this.#addFolder(parentOf(path));
    this.#found.set(path, folderEntry(path, mode ?? usualFolderMode));
  }

  #remove(path: string): void {
    for (const one of this.#found.keys()) {
      if (one === path || one.startsWith(`${path}/`)) this.#found.delete(one);
    }
  }

  #resolve(inside: string, links: number): string {
    if (inside === "") return "";
    const known = this.#folders.get(inside);
    if (known !== undefined) return known;
    const parent = this.#resolve(parentOf(inside), links);
    const name = inside.slice(inside.lastIndexOf("/") + 1);
    const here = parent === "" ? name : `${parent}/${name}`;
    const target = this.#links.get(here);
    let result = here;
    if (target !== undefined && links > 0) {
      // Normalized below /, so that no chain of .. leads out of the root.
      result = this.#resolve(path.posix.resolve(`/${parent}`, target).slice(1), links - 1);
    }
    this.#folders.set(inside, result);
    return result;
  }
}

/** The folder of a path below the root; empty for the root itself. */
export function parentOf(inside: string): string {
  return inside.slice(0, Math.max(0, inside.lastIndexOf("/")));
}

function linksOf(
  entries: readonly { readonly path: string; readonly type: string; readonly linkTarget: string }[],
): ReadonlyMap<string, string> {
  return new Map(
    entries
      .filter(({ type }) => type === "symlink")
      .map(({ path, linkTarget }) => [path.replace(/^\/+/, ""), linkTarget]),
  );
}

/** Reads a folder. Synchronously: it is many times faster, and there is nothing else to do. */
function readChanges(folder: string): readonly RootEntry[] {
  const entries: RootEntry[] = [];
  const visit = (inside: string): void => {
    for (const name of readdirSync(`${folder}/${inside}`)) {
      const here = inside === "" ? name : `${inside}/${name}`;
      const entry = readEntry(`${folder}/${here}`, here);
      entries.push(entry);
      if (entry.type === "directory") visit(here);
    }
  };
  visit("");
  return entries;
}

function folderEntry(path: string, mode: number): RootEntry {
  const plain = { sizeBytes: 0, mtimeSeconds: 0, linkTarget: "", hostPath: "" };
  return { path, type: "directory", mode, ...plain };
}

function readEntry(hostPath: string, path: string): RootEntry {
  const stat = lstatSync(hostPath);
  const type = stat.isDirectory()
    ? "directory"
    : stat.isFile()
      ? "file"
      : stat.isSymbolicLink()
        ? "symlink"
        : "other";
  return {
    path,
    type,
    mode: stat.mode & 0o7777,
    sizeBytes: type === "file" ? stat.size : 0,
    mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
    linkTarget: type === "symlink" ? readlinkSync(hostPath) : "",
    hostPath,
  };
}
