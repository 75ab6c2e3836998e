import { RootTree } from "./root-tree.ts";

/** A root of no package, in which scriptlets made what a folder holds. */
export function rootMadeOf(folder: string): RootTree {
  return new RootTree({ packages: [], changes: folder, removed: [] }, []);
}
