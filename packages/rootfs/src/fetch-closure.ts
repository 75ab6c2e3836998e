import { createWriteStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CleanroomError, mapConcurrent, type Store } from "@cleanroom/core";
import { setAsideRepositories } from "./damaged-packages.ts";
import { type Closure, type ClosurePackage, nevraOf, type Repository } from "./closure.ts";

/** How many packages are fetched at once. */
const connections = 4;

/**
 * Brings every package of a closure into the store, each checked against its digest. Those
 * already there cost nothing.
 *
 * @throws {CleanroomError} `digest-mismatch`, `fetch-failed`
 */
export async function fetchClosure(
  store: Store,
  closure: Closure,
  repositories: readonly Repository[],
): Promise<void> {
  const byId = new Map(repositories.map((repository) => [repository.id, repository]));
  await mapConcurrent(closure.packages, connections, async (entry) => {
    if (await store.hasBlob(entry.sha256, entry.sizeBytes)) return;
    const repository = byId.get(entry.repository);
    if (repository === undefined) throw new Error(`no repository ${entry.repository}`);
    await store.withTemporaryFolder("package", async (folder) => {
      const file = await localFile(repository, entry, path.join(folder, "package.rpm"));
      const { sha256 } = await store.putFile(file);
      if (sha256 === entry.sha256) return;
      await setAsideRepositories(store, [entry], [repository]);
      throw new CleanroomError(
        "digest-mismatch",
        `${entry.location} has sha256 ${sha256}, but ${repository.id} lists ${entry.sha256}`,
        {
          place: { step: `fetch ${nevraOf(entry)}` },
          hint:
            repository.isDerived === true
              ? "run the command again: the damaged repository was set aside and is made anew"
              : undefined,
        },
      );
    });
  });
}

async function localFile(
  repository: Repository,
  entry: ClosurePackage,
  target: string,
): Promise<string> {
  const { location } = repository;
  if ("folder" in location) {
    const file = path.resolve(location.folder, entry.location);
    if (!file.startsWith(`${path.resolve(location.folder)}/`)) {
      throw new CleanroomError("fetch-failed", `${entry.location} leaves its repository`, {
        place: { step: `fetch ${nevraOf(entry)}` },
      });
    }
    return file;
  }
  const url = `${location.url.replace(/\/+$/, "")}/${entry.location}`;
  try {
    const response = await fetch(url);
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    await pipeline(Readable.fromWeb(response.body), createWriteStream(target));
  } catch (error) {
    throw new CleanroomError("fetch-failed", `${url} could not be fetched`, {
      cause: error,
      place: { step: `fetch ${nevraOf(entry)}` },
    });
  }
  return target;
}
