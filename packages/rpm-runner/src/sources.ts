import { rm, stat } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  isMissingFile,
  type Logger,
  messageOf,
  type Sha256,
  sha256File,
  type Store,
  uniqueName,
} from "@cleanroom/core";
import type { StackPackage } from "@cleanroom/spec-strip";
import { download } from "./download.ts";
import { type DebianPlace, type LockedSource, readSourcesLock } from "./sources-lock.ts";

/** Fetches a file of a Debian source package; the digest is checked by the caller again. */
export interface DebianSources {
  /** What the archive lists for a source package whose upstream version is this one. */
  files(source: string, upstreamVersion: string | undefined): Promise<readonly DebianSourceFile[]>;
  fetch(file: DebianSourceFile, target: string): Promise<void>;
}

export interface DebianSourceFile {
  readonly uri: string;
  readonly file: string;
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
}

/** One source or patch of a package, by digest. */
export interface SourceInput {
  readonly file: string;
  readonly sha256: Sha256;
  /** Where its bytes are: beside the spec, or in the store. */
  readonly origin: { readonly local: string } | { readonly blob: Sha256 };
}

/**
 * The sources and patches of a package by digest. Files beside the spec are read; the others must
 * be locked and in the store already.
 *
 * @throws {CleanroomError} `source-unlocked`, `source-absent`
 */
export async function sourceInputs(
  store: Store,
  entry: StackPackage,
  lockedSources: readonly LockedSource[],
): Promise<SourceInput[]> {
  const locked = new Map(lockedSources.map((source) => [source.file, source]));
  return Promise.all(
    wantedFiles(entry).map(async ({ fileName }) => {
      const lock = locked.get(fileName);
      return lock === undefined
        ? localInput(entry, fileName)
        : storedInput(store, entry, fileName, lock);
    }),
  );
}

async function localInput(entry: StackPackage, file: string): Promise<SourceInput> {
  const local = path.join(entry.folder, file);
  try {
    return { file, sha256: await sha256File(local), origin: { local } };
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    throw new CleanroomError(
      "source-unlocked",
      `${file} is neither beside the spec nor in sources.lock.yaml`,
      {
        place: { step: entry.name },
        hint: `./cleanroom sources lock ${entry.name}`,
        exitCode: 2,
      },
    );
  }
}

async function storedInput(
  store: Store,
  entry: StackPackage,
  file: string,
  lock: LockedSource,
): Promise<SourceInput> {
  const blob = await storedDigest(store, lock);
  if (blob !== undefined) return { file, sha256: blob, origin: { blob } };
  throw new CleanroomError("source-absent", `${file} has not been fetched`, {
    place: { step: entry.name },
    hint: `./cleanroom sources fetch ${entry.name}`,
  });
}

/** Sources and patches, each file once. */
function wantedFiles(
  entry: StackPackage,
): readonly { readonly fileName: string; readonly url: string | undefined }[] {
  const { sources, patches } = entry.model;
  return [
    ...new Map([...sources, ...patches].map((source) => [source.fileName, source])).values(),
  ].map(({ fileName, url }) => ({ fileName, url }));
}

/**
 * Brings the locked sources of a package into the store: first from where the spec says, then
 * from the other places of the lock.
 *
 * @returns how many were fetched
 * @throws {CleanroomError} `source-unavailable`, with every place that was tried
 */
export async function fetchSources(
  store: Store,
  entry: StackPackage,
  debian: DebianSources,
  logger: Logger,
): Promise<number> {
  const locked = await readSourcesLock(entry.folder, entry.displayFolder);
  return fetchLocked(store, entry, locked, debian, logger);
}

/** {@link fetchSources} with the lock at hand. */
export async function fetchLocked(
  store: Store,
  entry: StackPackage,
  locked: readonly LockedSource[],
  debian: DebianSources,
  logger: Logger,
): Promise<number> {
  const urls = new Map(wantedFiles(entry).map(({ fileName, url }) => [fileName, url]));
  let fetched = 0;
  for (const source of locked) {
    if (await isStored(store, source)) continue;
    await store.withLock(`source-${source.sha256}`, async () => {
      if (await isStored(store, source)) return;
      await fetchSource(store, entry, source, urls.get(source.file), debian, logger);
      fetched += 1;
    });
  }
  return fetched;
}

/** The digest under which a locked source is in the store: upstream's, or that of a repack. */
async function storedDigest(store: Store, source: LockedSource): Promise<Sha256 | undefined> {
  for (const { sha256, size } of acceptedDigests(source)) {
    if (await store.hasBlob(sha256, size)) return sha256;
  }
  return undefined;
}

async function isStored(store: Store, source: LockedSource): Promise<boolean> {
  return (await storedDigest(store, source)) !== undefined;
}

function acceptedDigests(source: LockedSource): { sha256: Sha256; size: number }[] {
  return [
    source,
    ...source.from.flatMap((place) =>
      place !== "url" && place.sha256 !== undefined && place.size !== undefined
        ? [{ sha256: place.sha256, size: place.size }]
        : [],
    ),
  ];
}

async function fetchSource(
  store: Store,
  entry: StackPackage,
  source: LockedSource,
  url: string | undefined,
  debian: DebianSources,
  logger: Logger,
): Promise<void> {
  const tried: string[] = [];
  for (const place of source.from) {
    const name = place === "url" ? url : `Debian source package ${place.deb} ${place.version}`;
    if (name === undefined) {
      tried.push("the spec gives no address for it");
      continue;
    }
    const wanted = place === "url" ? source.sha256 : (place.sha256 ?? source.sha256);
    const partial = store.path("sources", `${wanted}.partial`);
    try {
      if (place === "url") await download(name, partial);
      else await fetchFromDebian(debian, place, partial);
      await adopt(store, partial, wanted);
      logger.info(`${entry.name}: fetched ${source.file} from ${name}`);
      return;
    } catch (error) {
      tried.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new CleanroomError(
    "source-unavailable",
    [
      `${source.file} (sha256 ${source.sha256}) could not be had:`,
      ...tried.map((line) => `    ${line}`),
    ].join("\n"),
    {
      place: { step: entry.name },
      hint: `add a place that has it to ${entry.displayFolder}/sources.lock.yaml`,
    },
  );
}

async function fetchFromDebian(
  debian: DebianSources,
  place: DebianPlace,
  target: string,
): Promise<void> {
  const files = await debian.files(place.deb, place.version);
  const file = files.find((candidate) => candidate.file === place.file);
  if (file === undefined) {
    throw new Error(`it lists no file ${place.file} (${files.map((one) => one.file).join(", ")})`);
  }
  await rm(target, { force: true });
  await debian.fetch(file, target);
}

/** Takes a fetched file into the store if its digest is the wanted one; else it is removed. */
async function adopt(store: Store, partial: string, wanted: Sha256): Promise<void> {
  const actual = await sha256File(partial);
  if (actual !== wanted) {
    await rm(partial, { force: true });
    throw new CleanroomError(
      "digest-mismatch",
      `what came has sha256 ${actual}, but ${wanted} is locked`,
    );
  }
  await store.putFile(partial);
  await rm(partial, { force: true });
}

/**
 * Makes the lock of a package anew: each source with a URL is fetched from there and from
 * Debian's archive, and recorded with its digest and the places that had it.
 *
 * @throws {CleanroomError} `source-unavailable`; `sources-differ` when two places hold different
 * archives and Debian's is not marked as repacked
 */
export async function lockSources(
  store: Store,
  entry: StackPackage,
  debian: DebianSources,
  debianSource: string,
  logger: Logger,
): Promise<LockedSource[]> {
  const locked: LockedSource[] = [];
  for (const { fileName, url } of wantedFiles(entry)) {
    if (url === undefined) continue;
    locked.push(await lockSource(store, entry, fileName, url, debian, debianSource, logger));
  }
  return locked;
}

async function lockSource(
  store: Store,
  entry: StackPackage,
  fileName: string,
  url: string,
  debian: DebianSources,
  debianSource: string,
  logger: Logger,
): Promise<LockedSource> {
  const partial = store.path("sources", uniqueName("lock"));
  try {
    const upstream = await download(url, partial).then(
      async () => ({ sha256: await sha256File(partial), size: (await stat(partial)).size }),
      (error: unknown) => {
        logger.warning(`${entry.name}: ${url} could not be had: ${messageOf(error)}`);
        return undefined;
      },
    );
    if (upstream !== undefined) await store.putFile(partial);
    const extension = /\.tar\.\w+$|\.zip$/.exec(fileName)?.[0] ?? path.extname(fileName);
    const found = (await debian.files(debianSource, entry.model.version).catch(() => [])).find(
      ({ file }) => file.endsWith(`.orig${extension}`),
    );
    if (found === undefined && upstream === undefined) {
      throw new CleanroomError(
        "source-unavailable",
        `${fileName} is neither at ${url} nor in Debian's source package ${debianSource}`,
        {
          place: { step: entry.name },
          hint: `./cleanroom sources lock ${entry.name} --deb NAME names another source package`,
        },
      );
    }
    if (found === undefined) return { file: fileName, ...upstream!, from: ["url"] };
    const repacked = /\+(?:dfsg|ds)/.test(found.file);
    const differs = upstream !== undefined && upstream.sha256 !== found.sha256;
    if (differs && !repacked) {
      throw new CleanroomError(
        "sources-differ",
        `${url} has sha256 ${upstream.sha256}, Debian's ${found.file} has ${found.sha256}`,
        { place: { step: entry.name } },
      );
    }
    const place: DebianPlace = {
      deb: debianSource,
      version: entry.model.version,
      file: found.file,
      ...(differs ? { sha256: found.sha256, size: found.size } : {}),
    };
    return {
      file: fileName,
      sha256: upstream?.sha256 ?? found.sha256,
      size: upstream?.size ?? found.size,
      from: ["url", place],
    };
  } finally {
    await rm(partial, { force: true });
  }
}

/** Whether every locked source is in the store with the right bytes; names those that are not. */
export async function verifySources(
  store: Store,
  entry: StackPackage,
): Promise<{ readonly file: string; readonly state: "good" | "absent" | "damaged" }[]> {
  const states: { file: string; state: "good" | "absent" | "damaged" }[] = [];
  for (const source of await readSourcesLock(entry.folder, entry.displayFolder)) {
    const digest = await storedDigest(store, source);
    const state =
      digest === undefined
        ? "absent"
        : (await store.blob(digest)) === undefined
          ? "damaged"
          : "good";
    states.push({ file: source.file, state });
  }
  return states;
}
