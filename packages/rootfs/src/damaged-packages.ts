import path from "node:path";
import {
  CleanroomError,
  isMissingFile,
  mapConcurrent,
  sha256File,
  type Store,
} from "@cleanroom/core";
import { type Closure, type ClosurePackage, nevraOf, type Repository } from "./closure.ts";

/** Packages read at once. */
const readers = 4;

/**
 * Runs `work` on the packages of a closure. Where it fails, the packages are looked at: rpm's words about
 * a damaged one help nobody, and it would stay where it is.
 *
 * @throws {CleanroomError} `packages-damaged`, and what `work` throws
 */
export async function withPackagesChecked<Result>(
  store: Store,
  closure: Closure,
  repositories: readonly Repository[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isInterrupted = error instanceof CleanroomError && error.exitCode === 130;
    if (!isInterrupted) await checkPackages(store, closure, repositories);
    throw error;
  }
}

/**
 * Reads every package of a closure, for when something could not be made of them. Damaged ones are
 * set aside, and with them the repositories of the store that hold the same damaged file (another
 * name of it), so that the next run makes both again.
 *
 * @throws {CleanroomError} `packages-damaged` where there were any
 */
export async function checkPackages(
  store: Store,
  closure: Closure,
  repositories: readonly Repository[],
): Promise<void> {
  const found = await mapConcurrent(closure.packages, readers, async (entry) =>
    (await store.blob(entry.sha256)) === undefined ? [entry] : [],
  );
  const damaged = found.flat();
  if (damaged.length === 0) return;
  await setAsideRepositories(store, damaged, repositories);
  const names = damaged.map((entry) => nevraOf(entry));
  throw new CleanroomError(
    "packages-damaged",
    `the store held damaged packages: ${names.join(", ")}`,
    {
      place: { step: "install packages" },
      hint: "run the command again: they were set aside and are made or fetched anew; if it happens again, the disk may be failing",
    },
  );
}

/** Sets repositories of the store aside in which packages are damaged. */
export async function setAsideRepositories(
  store: Store,
  packages: readonly ClosurePackage[],
  repositories: readonly Repository[],
): Promise<void> {
  const byId = new Map(repositories.map((repository) => [repository.id, repository]));
  const folders = new Set<string>();
  for (const entry of packages) {
    const { location, isDerived } = byId.get(entry.repository) ?? {};
    if (location === undefined || !("folder" in location) || isDerived !== true) continue;
    if (folders.has(location.folder)) continue;
    const actual = await digestOf(path.resolve(location.folder, entry.location));
    if (actual === undefined || actual === entry.sha256) continue;
    folders.add(location.folder);
    await store.setAside(location.folder);
  }
}

async function digestOf(file: string): Promise<string | undefined> {
  try {
    return await sha256File(file);
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}
