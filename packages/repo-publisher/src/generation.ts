import { createHash, randomBytes } from "node:crypto";
import {
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  isMissingFile,
  sha256,
  type Store,
  writeFileAtomic,
} from "@cleanroom/core";
import { z } from "zod";

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

const publishedPackageSchema = z.strictObject({
  /** `name-[epoch:]version-release.arch`. */
  nevra: z.string(),
  name: z.string(),
  /** Null when unset. */
  epoch: z.int().nullable(),
  version: z.string(),
  release: z.string(),
  /** `src` for a source package. */
  arch: z.string(),
  /** File name of the source package; null for a source package. */
  sourceRpm: z.string().nullable(),
  /** Path below the generation's folder. */
  location: z.string(),
  /** Of the signed .rpm, as clients get it. */
  sha256: sha256Schema,
  sizeBytes: z.int(),
  /** Of the .rpm as it was built. */
  unsignedSha256: sha256Schema,
  /** Of its SLSA provenance: a line of the metadata file of that name, line end included. */
  provenance: sha256Schema.optional(),
  /** Seconds since 1970. */
  buildTimeSeconds: z.int(),
});

const generationRecordSchema = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  repository: z.string(),
  repomdSha256: sha256Schema,
  /** Of the key that signed repomd.xml, and the packages where these are signed. */
  keyFingerprint: z.string(),
  /** Whether the packages were signed, or published as they came. */
  signedPackages: z.boolean().default(true),
  packages: z.array(publishedPackageSchema),
});

/** A package of a generation. */
export type PublishedPackage = z.infer<typeof publishedPackageSchema>;

/** What `generation.json` says: version 1 of its shape. */
export type GenerationRecord = z.infer<typeof generationRecordSchema>;

/** One immutable published state of a repository. */
export interface Generation extends GenerationRecord {
  /** Absolute path of the folder that clients can use as it stands (`file://`), for good. */
  readonly folder: string;
  /** When it was last published. */
  readonly publishedAt: Date;
}

export const recordFileName = "generation.json";

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

/** Holds the digest of the record: that it is what we wrote, without a look at each package. */
const recordDigestName = `${recordFileName}.sha256`;

/**
 * Reads a generation's record.
 *
 * @returns undefined when there is no such folder
 * @throws CleanroomError `generation-damaged`
 */
export async function readGeneration(folder: string): Promise<Generation | undefined> {
  const file = path.join(folder, recordFileName);
  let bytes: Buffer;
  let publishedAt: Date;
  let digest: string | undefined;
  try {
    bytes = await readFile(file);
    publishedAt = (await stat(file)).mtime;
    digest = await readDigest(path.join(folder, recordDigestName));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
  try {
    if (digest !== undefined && digest !== sha256(bytes)) throw new Error("it was changed");
    const value: unknown = JSON.parse(bytes.toString());
    // Judging fifty thousand packages one by one takes longer than all else in here.
    const record =
      digest === undefined ? generationRecordSchema.parse(value) : (value as GenerationRecord);
    return { ...record, folder, publishedAt };
  } catch (error) {
    throw new CleanroomError("generation-damaged", "a generation's record cannot be read", {
      place: { file },
      cause: error,
      hint: `remove ${folder} and publish again`,
    });
  }
}

/** Undefined for a generation from before there were such files. */
async function readDigest(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/**
 * Writes the record of a generation into its folder, piece by piece: while it is written, other work
 * goes on.
 */
export async function writeRecord(folder: string, record: GenerationRecord): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(path.join(folder, recordFileName), "wx");
  try {
    for (const piece of recordPieces(record)) {
      hash.update(piece);
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await writeFileAtomic(path.join(folder, recordDigestName), `${hash.digest("hex")}\n`);
}

/** A record's text as a value; undefined when it is no record. */
export function parseRecord(text: string): GenerationRecord | undefined {
  try {
    return generationRecordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const packagesPerPiece = 2000;

/** What {@link recordFileName} holds: one package a line, so that two can be compared by eye. */
function* recordPieces({ packages, ...rest }: GenerationRecord): Generator<string> {
  yield `${JSON.stringify(rest).slice(0, -1)},"packages":[`;
  for (let start = 0; start < packages.length; start += packagesPerPiece) {
    const lines = packages.slice(start, start + packagesPerPiece).map((one) => JSON.stringify(one));
    yield `${start === 0 ? "" : ","}\n${lines.join(",\n")}`;
  }
  yield "\n]}\n";
}

/** The id of the generation that clients see now; undefined before the first publishing. */
export async function currentId(store: Store, repository: string): Promise<string | undefined> {
  try {
    return path.basename(await readlink(path.join(repositoryFolder(store, repository), "current")));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/** The generation that clients see now; undefined before the first publishing. */
export async function currentGeneration(
  store: Store,
  repository: string = defaultRepository,
): Promise<Generation | undefined> {
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
