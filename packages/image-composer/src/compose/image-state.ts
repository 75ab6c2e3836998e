import { readFile } from "node:fs/promises";
import { rpmDatabasePath } from "@cleanroom/rootfs";
import { type Accounts, addAccounts } from "./accounts.ts";
import type { ImageContext } from "../context.ts";
import { chosenState } from "./chosen-state.ts";
import type { ImageFile } from "../image-file.ts";
import { type Owners, ownersOf } from "./owners.ts";
import {
  type AddedFile,
  requestedState,
  type StateDirectory,
  type StateItem,
} from "./requested-state.ts";
import type { RootContents } from "./root-contents.ts";
import type { RootTree } from "./root-tree.ts";

/** What the state layer holds, and the accounts of the image. */
export interface ImageState {
  /** Sorted by path. */
  readonly items: readonly StateItem[];
  readonly directories: readonly StateDirectory[];
  readonly accounts: Accounts;
  readonly owners: Owners;
}

const passwdFile = "etc/passwd";
const groupFile = "etc/group";

/** rpm's database, below the image's root. */
export const databaseFile = `${rpmDatabasePath}/rpmdb.sqlite`.slice(1);

/**
 * Everything in the image that is not a package's file as the package has it: what scriptlets and triggers
 * made, accounts, and what image.yaml and `files/` add. {@link withDatabase} adds rpm's database.
 */
export async function imageState(
  context: ImageContext,
  tree: RootTree,
  contents: RootContents,
  image: ImageFile,
  added: readonly AddedFile[],
): Promise<ImageState> {
  const passwd = await textOf(tree, passwdFile);
  const group = await textOf(tree, groupFile);
  const accounts = addAccounts(passwd ?? "", group ?? "", image.accounts);
  const owners = ownersOf(accounts);
  const items = new Map<string, StateItem>();
  for (const { entry, user, group, mode } of contents.state) {
    const content =
      entry.type === "symlink"
        ? { link: entry.linkTarget }
        : { bytes: await readFile(entry.hostPath) };
    const { path } = entry;
    items.set(path, { path, mode, uid: owners.uid(user), gid: owners.gid(group), content });
  }
  for (const [path, before, text] of [
    [passwdFile, passwd, accounts.passwd],
    [groupFile, group, accounts.group],
  ] as const) {
    if (before === text) continue;
    const content = { bytes: Buffer.from(text) };
    items.set(path, { path, mode: 0o644, uid: 0, gid: 0, content });
  }
  const requested = requestedState(image, added, tree, accounts);
  // What is asked for by name comes last: it may replace what is chosen.
  const chosen = await chosenState(context, image, tree, requested.items);
  for (const item of [...chosen, ...requested.items]) items.set(item.path, item);
  return {
    items: sorted([...items.values()]),
    directories: requested.directories,
    accounts,
    owners,
  };
}

/** The same with rpm's database, unless image.yaml puts something else in its place. */
export async function withDatabase(state: ImageState, file: string): Promise<ImageState> {
  const path = databaseFile;
  if (state.items.some((item) => item.path === path)) return state;
  const item = { path, mode: 0o644, uid: 0, gid: 0, content: { bytes: await readFile(file) } };
  return { ...state, items: sorted([...state.items, item]) };
}

function sorted(items: readonly StateItem[]): readonly StateItem[] {
  return items.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function textOf(tree: RootTree, path: string): Promise<string | undefined> {
  const entry = tree.entries.get(path);
  return entry?.type === "file" ? readFile(entry.hostPath, "utf8") : undefined;
}
