import { randomBytes } from "node:crypto";
import { readlinkSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, symlink } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, isMissingFile, type Store } from "@cleanroom/core";
import {
  type ChunkedRecord,
  type GenerationRecord,
  readRecord,
  recordFileName,
} from "./generation-record.ts";
import { countOf } from "./package-chunk.ts";
import type { PublishedPackage } from "./published-package.ts";

/** One immutable published state of a repository. */
export interface Generation extends Omit<GenerationRecord, "chunks"> {
  /** Absolute path of the folder that clients can use as it stands (`file://`), for good. */
  readonly folder: string;
  /** When it was last published. */
  readonly publishedAt: Date;
  readonly packageCount: number;
  /** Taken out of the record when they are asked for first: there may be very many. */
  readonly packages: PublishedPackage[];
}

/** A generation, and how its packages are divided. */
export interface ChunkedGeneration extends Generation {
  readonly record: ChunkedRecord;
}

/** A generation as its record has it. */
export function generationOf(
  record: ChunkedRecord,
  folder: string,
  publishedAt: Date,
): ChunkedGeneration {
  const { head, chunks } = record;
  let packages: PublishedPackage[] | undefined;
  return {
    ...head,
    folder,
    publishedAt,
    packageCount: countOf(chunks),
    get packages() {
      packages ??= chunks.flatMap((chunk) => chunk.packages());
      return packages;
    },
    record,
  };
}

/** The repository that is meant when nobody names one. */
export const defaultRepository = "cleanroom";

/** @throws CleanroomError `repository-name` */
export function repositoryFolder(store: Store, repository: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(repository)) {
    throw new CleanroomError(
      "repository-name",
      `a repository cannot be called ${JSON.stringify(repository)}`,
      { exitCode: 2, hint: "use letters, digits, dots, hyphens and underscores" },
    );
  }
  return store.path("repos", repository);
}

export function generationFolder(store: Store, repository: string, id: string): string {
  return path.join(repositoryFolder(store, repository), "generations", id);
}

/**
 * Reads a generation's record.
 *
 * @returns undefined when there is no such folder
 * @throws CleanroomError `generation-damaged`
 */
export async function readGeneration(folder: string): Promise<ChunkedGeneration | undefined> {
  const file = path.join(folder, recordFileName);
  try {
    const { mtime } = await stat(file);
    return generationOf(await readRecord(folder), folder, mtime);
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    // Of the disk, not of the record.
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new CleanroomError("generation-damaged", "a generation's record cannot be read", {
      place: { file },
      cause: error,
      hint: `remove ${folder} and publish again`,
    });
  }
}

/** The id of the generation that clients see now; undefined before the first publishing. */
export async function currentId(store: Store, repository: string): Promise<string | undefined> {
  try {
    // Synchronous: a server asks for each request, and to hand it to another thread takes longer.
    return path.basename(readlinkSync(path.join(repositoryFolder(store, repository), "current")));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/** The generation that clients see now; undefined before the first publishing. */
export async function currentGeneration(
  store: Store,
  repository: string = defaultRepository,
): Promise<ChunkedGeneration | undefined> {
  const id = await currentId(store, repository);
  return id === undefined ? undefined : readGeneration(generationFolder(store, repository, id));
}

/** All generations that are kept, the last published first. */
export async function listGenerations(
  store: Store,
  repository: string = defaultRepository,
): Promise<readonly Generation[]> {
  const generations: Generation[] = [];
  for (const id of await generationIds(store, repository)) {
    const generation = await readGeneration(generationFolder(store, repository, id));
    if (generation !== undefined) generations.push(generation);
  }
  return generations.toSorted((a, b) => b.publishedAt.getTime() - a.publishedAt.getTime());
}

/** The ids of all generations that are kept, in no order. */
export async function generationIds(store: Store, repository: string): Promise<readonly string[]> {
  try {
    return await readdir(path.join(repositoryFolder(store, repository), "generations"));
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}

/** Makes a generation the one that clients see: one rename of a symbolic link. */
export async function switchCurrent(store: Store, repository: string, id: string): Promise<void> {
  const folder = repositoryFolder(store, repository);
  await mkdir(folder, { recursive: true });
  const temporary = path.join(folder, `.current.${process.pid}.${randomBytes(6).toString("hex")}`);
  try {
    await symlink(path.join("generations", id), temporary);
    await rename(temporary, path.join(folder, "current"));
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Makes an older generation current again.
 *
 * @param id a generation's id or the beginning of one; when absent, the one published before the
 *   current one
 * @throws CleanroomError `generation-unknown`
 */
export async function rollback(
  store: Store,
  repository: string = defaultRepository,
  id?: string,
): Promise<Generation> {
  return store.withLock(`repo-${repository}`, async () => {
    const generations = await listGenerations(store, repository);
    const current = await currentId(store, repository);
    const target =
      id === undefined
        ? generations[generations.findIndex((one) => one.id === current) + 1]
        : onlyOne(generations.filter((one) => one.id.startsWith(id)));
    if (target === undefined) {
      const known = generations.map((one) => one.id).join(", ");
      throw new CleanroomError(
        "generation-unknown",
        id === undefined
          ? `repository ${repository} has no generation before ${current ?? "its first"}`
          : `repository ${repository} has no one generation ${id}`,
        { exitCode: 2, hint: known === "" ? "publish first" : `it has ${known}` },
      );
    }
    await switchCurrent(store, repository, target.id);
    return target;
  });
}

function onlyOne<T>(values: readonly T[]): T | undefined {
  return values.length === 1 ? values[0] : undefined;
}
