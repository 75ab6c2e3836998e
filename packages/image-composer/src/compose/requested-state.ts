import { constants } from "node:fs";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, type Json, sha256 } from "@cleanroom/core";
import type { Accounts } from "./accounts.ts";
import { type ImageFile, imageFilesFolder } from "../image-file.ts";
import { ownersOf } from "./owners.ts";
import type { RootTree } from "./root-tree.ts";

/** A file or link that the state layer holds. */
export interface StateItem {
  /** Below the image's root. */
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly content: { readonly bytes: Uint8Array } | { readonly link: string };
}

/** A directory that image.yaml asks for. */
export interface StateDirectory {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A file of the image's `files/` folder, or of image.yaml. */
export interface AddedFile {
  /** Absolute path in the image. */
  readonly path: string;
  readonly executable: boolean;
  readonly content: StateItem["content"];
}

/** Reads the image's `files/`: of each file its path, its content and whether it is executable. */
export async function readAddedFiles(imageFolder: string): Promise<readonly AddedFile[]> {
  const top = path.join(imageFolder, imageFilesFolder);
  const files: AddedFile[] = [];
  const visit = async (inside: string): Promise<void> => {
    for (const name of (await readdir(path.join(top, inside))).toSorted()) {
      const here = `${inside}/${name}`;
      const host = path.join(top, here);
      const stat = await lstat(host);
      if (stat.isDirectory()) await visit(here);
      else if (stat.isSymbolicLink()) {
        files.push({ path: here, executable: false, content: { link: await readlink(host) } });
      } else if (stat.isFile()) {
        files.push({
          path: here,
          // Version control keeps no other permission; the rest is the umask of whoever cloned.
          executable: (stat.mode & constants.S_IXUSR) !== 0,
          content: { bytes: await readFile(host) },
        });
      } else {
        throw new CleanroomError("image-file-type", "neither file, link nor directory", {
          place: { file: host },
          exitCode: 2,
        });
      }
    }
  };
  try {
    await visit("");
  } catch (error) {
    if (!isMissingFile(error)) throw error;
  }
  return files;
}

/** What an action key has to know of added files. */
export function addedFilesJson(files: readonly AddedFile[]): Json {
  return files.map(({ path, executable, content }) => [
    path,
    executable,
    "link" in content ? { link: content.link } : sha256(content.bytes),
  ]);
}

/** Files, links and directories that image.yaml and `files/` put into the image. */
export function requestedState(
  image: ImageFile,
  added: readonly AddedFile[],
  tree: RootTree,
  accounts: Accounts,
): { items: readonly StateItem[]; directories: readonly StateDirectory[] } {
  const owners = ownersOf(accounts);
  const items = new Map<string, StateItem>();
  const owner = (user: string, group?: string): { uid: number; gid: number } => {
    const uid = owners.uid(user);
    const gid = group === undefined ? accounts.primaryGids.get(uid) : owners.gid(group);
    return { uid, gid: gid ?? 0 };
  };
  for (const { path, executable, content } of added) {
    const inside = tree.locate(path);
    items.set(inside, { path: inside, mode: executable ? 0o755 : 0o644, uid: 0, gid: 0, content });
  }
  for (const [path, file] of Object.entries(image.files)) {
    const inside = tree.locate(path);
    const before = items.get(inside);
    const content =
      file.link === undefined
        ? file.content === undefined
          ? before?.content
          : { bytes: Buffer.from(file.content) }
        : { link: file.link };
    if (content === undefined) {
      throw new CleanroomError(
        "image-file-missing",
        `image.yaml says how to install ${path}, but files/ does not hold it`,
        { exitCode: 2, hint: `give it content or a link, or put it at files${path}` },
      );
    }
    const mode = file.mode === undefined ? (before?.mode ?? 0o644) : Number.parseInt(file.mode, 8);
    items.set(inside, { path: inside, mode, ...owner(file.user, file.group), content });
  }
  const directories: StateDirectory[] = [];
  for (const [name, { home }] of Object.entries(image.accounts)) {
    if (home === undefined || home === "/" || image.directories[home] !== undefined) continue;
    directories.push({ path: tree.locate(home), mode: 0o755, ...owner(name) });
  }
  for (const [path, { mode = "0755", user, group }] of Object.entries(image.directories)) {
    directories.push({
      path: tree.locate(path),
      mode: Number.parseInt(mode, 8),
      ...owner(user, group),
    });
  }
  return { items: [...items.values()], directories };
}
