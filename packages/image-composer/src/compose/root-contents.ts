import { CleanroomError } from "@cleanroom/core";
import type { RpmFile, RpmHeader } from "rpm-parser";
import type { AdmittedPackage } from "../lock/admit-packages.ts";
import type { RootEntry, RootTree } from "./root-tree.ts";

/** A file of a package that the root holds as the package has it. */
export interface PieceFile {
  readonly file: RpmFile;
  /** Where it really is, below the root. */
  readonly path: string;
  readonly hostPath: string;
}

/** Owner, mode and time of something, before names of accounts became numbers. */
interface Ownership {
  readonly user: string;
  readonly group: string;
  readonly mode: number;
  /** Undefined for what installation made: it gets the image's own time. */
  readonly mtimeSeconds?: number;
}

interface OwnedDirectory extends Ownership {
  readonly path: string;
  /** Indexes of the packages that list it. */
  readonly owners: readonly number[];
}

/** A file or link that no piece holds: made by installation, or changed by it. */
interface StateFile extends Ownership {
  readonly entry: RootEntry;
  /** NEVRA of the package that lists it, if any. */
  readonly package?: string;
}

/** A file that a package lists and the image does not hold. */
export interface RemovedFile {
  readonly package: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly reason: "documentation" | "language" | "slim" | "scriptlet";
}

/** An installed root, divided: who each thing in it belongs to. */
export interface RootContents {
  /** For each package, in order, the files of its piece. */
  readonly pieces: readonly (readonly PieceFile[])[];
  readonly directories: ReadonlyMap<string, OwnedDirectory>;
  readonly state: readonly StateFile[];
  readonly removed: readonly RemovedFile[];
}

/**
 * What helpers of scriptlets leave behind in every root and no image needs: ldconfig's auxiliary
 * cache holds inode numbers.
 */
const leftovers = new Set(["var/cache/ldconfig/aux-cache", "etc/.pwd.lock"]);

/**
 * Divides a root among its packages by their headers, and leaves the rest to the state layer.
 *
 * @param isSlimmed whether image.yaml leaves a package's file out
 * @throws {CleanroomError} `file-conflict`, `root-special-file`
 */
export function divideRoot(
  tree: RootTree,
  packages: readonly AdmittedPackage[],
  isSlimmed: (path: string) => boolean,
): RootContents {
  const taken = new Map<string, OwnedFile>();
  const changed = new Map<string, StateFile>();
  const removed: RemovedFile[] = [];
  const owned = new Map<string, { files: RpmFile[]; owners: number[] }>();
  const pieces = packages.map(({ header }, index) =>
    header.files.flatMap((file): PieceFile[] => {
      const path = tree.locate(file.path);
      const entry = tree.entries.get(path);
      const leave = (reason: RemovedFile["reason"]): PieceFile[] => {
        const { sizeBytes } = file;
        if (file.type !== "directory") {
          removed.push({ package: header.nevra, path: file.path, sizeBytes, reason });
        }
        return [];
      };
      if (file.type !== "directory" && isSlimmed(file.path)) {
        taken.set(path, { header, file });
        return entry === undefined && file.flags.includes("ghost") ? [] : leave("slim");
      }
      if (entry === undefined) {
        return file.flags.includes("ghost") ? [] : leave(reasonOf(file));
      }
      if (file.type === "directory") {
        const directory = owned.get(path) ?? { files: [], owners: [] };
        directory.files.push(file);
        directory.owners.push(index);
        owned.set(path, directory);
        return [];
      }
      const owner = taken.get(path);
      if (owner !== undefined) {
        checkShared(path, owner, { header, file });
        return [];
      }
      taken.set(path, { header, file });
      if (isUnchanged(entry, file)) return [{ file, path, hostPath: entry.hostPath }];
      const { user, group } = file;
      changed.set(path, { entry, user, group, mode: entry.mode, package: header.nevra });
      return [];
    }),
  );
  const state: StateFile[] = [];
  const directories = new Map<string, OwnedDirectory>();
  for (const entry of tree.entries.values()) {
    if (entry.type === "other") {
      throw new CleanroomError("root-special-file", `/${entry.path} is neither file nor link`, {
        hint: "a package's scriptlet made it: an image holds no devices, pipes or sockets",
      });
    }
    if (entry.type === "directory") directories.set(entry.path, directoryOf(entry, owned));
    else if (!leftovers.has(entry.path)) {
      const found = changed.get(entry.path);
      if (found !== undefined) state.push(found);
      else if (!taken.has(entry.path)) {
        state.push({ entry, user: "root", group: "root", mode: entry.mode });
      }
    }
  }
  return { pieces, directories, state, removed };
}

interface OwnedFile {
  readonly header: RpmHeader;
  readonly file: RpmFile;
}

/**
 * rpm lets packages share a file that is the same in each of them: the first one has it. It sees to that
 * itself where it meets both, but not where a link of a third package brings them together.
 */
function checkShared(path: string, one: OwnedFile, other: OwnedFile): void {
  const isGhost = [one, other].some(({ file }) => file.flags.includes("ghost"));
  const content = ({ file }: OwnedFile): string =>
    `${file.type} ${file.type === "symlink" ? file.linkTarget : file.digest}`;
  if (isGhost || content(one) === content(other)) return;
  throw new CleanroomError(
    "file-conflict",
    `/${path} is in ${one.header.nevra} and, otherwise, in ${other.header.nevra}`,
    { hint: "leave one of the packages out, or put the file elsewhere in its spec" },
  );
}

function reasonOf(file: RpmFile): RemovedFile["reason"] {
  if (file.flags.includes("doc")) return "documentation";
  return file.languages === "" ? "scriptlet" : "language";
}

/** A directory that several packages list with several modes has that of the last one installed. */
function directoryOf(
  entry: RootEntry,
  owned: ReadonlyMap<string, { files: RpmFile[]; owners: number[] }>,
): OwnedDirectory {
  const { path, mode } = entry;
  const directory = owned.get(path);
  if (directory === undefined) return { path, user: "root", group: "root", mode, owners: [] };
  const { files, owners } = directory;
  const file = files.find((one) => (one.mode & 0o7777) === mode) ?? files[0];
  if (file === undefined) throw new TypeError(`${path} is owned by nobody`);
  const { user, group, mtimeSeconds } = file;
  return { path, user, group, mode: file.mode & 0o7777, mtimeSeconds, owners };
}

/**
 * By size, mode and time, as rpm set them; whether the content is the package's, too, is checked
 * where it is read anyway, when the piece is made.
 */
function isUnchanged(entry: RootEntry, file: RpmFile): boolean {
  if (file.flags.includes("ghost") || file.type !== entry.type) return false;
  if (file.type === "symlink") return entry.linkTarget === file.linkTarget;
  return (
    file.type === "file" &&
    entry.mode === (file.mode & 0o7777) &&
    entry.sizeBytes === file.sizeBytes &&
    entry.mtimeSeconds === file.mtimeSeconds
  );
}
