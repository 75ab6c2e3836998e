import { readdir, rename } from "node:fs/promises";
import path from "node:path";
import { isMissingFile, removeFolder, type Store, uniqueName } from "@cleanroom/core";
import {
  currentId,
  defaultRepository,
  type Generation,
  listGenerations,
  repositoryFolder,
} from "./generation.ts";
import { prunePool } from "./package-pool.ts";

/** Which generations to keep besides the current one. A generation is kept for either reason. */
export interface Retention {
  /** As many as this, the last published first; the current one counts. */
  readonly generations: number;
  /** All that were published this short a time ago. */
  readonly ageMs: number;
}

/** Five generations and a week: whoever has the metadata of last week can still install with it. */
export const defaultRetention: Retention = { generations: 5, ageMs: 7 * 24 * 3600 * 1000 };

/** What to drop of a repository's generations, given the last published first. */
export function expired(
  generations: readonly Generation[],
  current: string | undefined,
  { generations: number, ageMs }: Retention,
  now: Date,
): readonly Generation[] {
  return generations.filter(
    ({ id, publishedAt }, index) =>
      id !== current && index >= number && now.getTime() - publishedAt.getTime() > ageMs,
  );
}

/**
 * Removes old generations; never the current one. A client that is in the middle of downloading
 * a file finishes it. Packages that no generation has any more go, too.
 *
 * @returns what was removed
 */
export async function prune(
  store: Store,
  repository: string = defaultRepository,
  retention: Retention = defaultRetention,
): Promise<readonly Generation[]> {
  return store.withLock(`repo-${repository}`, async () => {
    const generations = await listGenerations(store, repository);
    const current = await currentId(store, repository);
    const dropped = expired(generations, current, retention, new Date());
    for (const { folder } of dropped) {
      // Out of sight in one step, so that nobody meets half of it.
      const aside = store.path("tmp", uniqueName("generation"));
      await rename(folder, aside);
      await removeFolder(aside);
    }
    const kept = generations.filter((one) => !dropped.includes(one));
    await prunePool(
      store,
      repository,
      kept.flatMap(({ packages }) => packages),
    );
    await removeForgottenLinks(repositoryFolder(store, repository));
    return dropped;
  });
}

/** Temporary links of publishers that were killed before their rename. */
async function removeForgottenLinks(folder: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (isMissingFile(error)) return;
    throw error;
  }
  for (const name of names) {
    if (name.startsWith(".current.")) await removeFolder(path.join(folder, name));
  }
}
