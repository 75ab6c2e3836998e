import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import path from "node:path";
import { isMissingFile, sha256, writeFileAtomic } from "@cleanroom/core";
import { z } from "zod";
import { metadataVersion, storedMetadataSchema } from "./metadata/stored-metadata.ts";
import { chunkOf, cutChunks, PackageChunk } from "./package-chunk.ts";
import { publishedPackageSchema, sha256Schema } from "./published-package.ts";

const chunkSchema = z.strictObject({
  packageCount: z.int(),
  lastName: z.string(),
  latestBuildTimeSeconds: z.int(),
  /** Of its packages' lines in the record, without what stands between two chunks. */
  recordBytes: z.int(),
  /** Where the store keeps its metadata. */
  metadata: storedMetadataSchema,
});

const recordHeadSchema = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  repository: z.string(),
  repomdSha256: sha256Schema,
  /** Of the key that signed repomd.xml, and the packages where these are signed. */
  keyFingerprint: z.string(),
  /** Whether the packages were signed, or published as they came. */
  signedPackages: z.boolean().default(true),
});

const generationRecordSchema = recordHeadSchema.extend({
  /** How `packages` is divided, for the publisher. */
  chunks: z.strictObject({ metadataVersion: z.int(), list: z.array(chunkSchema) }).optional(),
  packages: z.array(publishedPackageSchema),
});

/** What a record says of the generation as a whole. */
export type RecordHead = z.infer<typeof recordHeadSchema>;

/** What `generation.json` says: version 1 of its shape. */
export type GenerationRecord = z.infer<typeof generationRecordSchema>;

/** A record that was read, or is to be written. */
export interface ChunkedRecord {
  readonly head: RecordHead;
  readonly chunks: readonly PackageChunk[];
}

export const recordFileName = "generation.json";

/** Holds the digest of the record: that it is what we wrote, without a look at each package. */
const recordDigestName = `${recordFileName}.sha256`;

const betweenChunks = ",\n";
const afterChunks = "\n]}\n";

/**
 * Reads the record in a generation's folder.
 *
 * @throws Error when it is not there, or is none
 */
export async function readRecord(folder: string): Promise<ChunkedRecord> {
  const bytes = await readFile(path.join(folder, recordFileName));
  const digest = await readDigest(path.join(folder, recordDigestName));
  if (digest === undefined) return chunkedRecord(parsed(bytes));
  if (digest !== sha256(bytes)) throw new Error("it was changed");
  // What we wrote ourselves is not judged once more.
  const headEnd = bytes.indexOf("\n");
  const {
    chunks,
    packages: _,
    ...head
  } = JSON.parse(`${bytes.toString("utf8", 0, headEnd)}]}`) as GenerationRecord;
  if (chunks?.metadataVersion !== metadataVersion) {
    return chunkedRecord(JSON.parse(bytes.toString()) as GenerationRecord);
  }
  let start = headEnd + 1;
  return {
    head,
    chunks: chunks.list.map(({ recordBytes, metadata, ...summary }) => {
      const lines = bytes.subarray(start, start + recordBytes);
      start += recordBytes + betweenChunks.length;
      return new PackageChunk(summary, lines, metadata);
    }),
  };
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

function parsed(bytes: Buffer): GenerationRecord {
  return generationRecordSchema.parse(JSON.parse(bytes.toString()));
}

/** A record without chunks, or with those of another version: its metadata is made anew. */
function chunkedRecord({ chunks: _, packages, ...head }: GenerationRecord): ChunkedRecord {
  return { head, chunks: cutChunks(packages).map(chunkOf) };
}

/** A record's text as a value; undefined when it is no record. */
export function parseRecord(text: string): GenerationRecord | undefined {
  try {
    return generationRecordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Writes the record of a generation into its folder, piece by piece: what a chunk that did not
 * change has to say is copied.
 */
export async function writeRecord(folder: string, record: ChunkedRecord): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(path.join(folder, recordFileName), "wx");
  try {
    const pieces = recordPieces(record);
    for (const piece of pieces) hash.update(piece);
    const { bytesWritten } = await file.writev(pieces);
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (bytesWritten !== sizeBytes) throw new Error(`${folder}: there is no space for the record`);
    await file.sync();
  } finally {
    await file.close();
  }
  await writeFileAtomic(path.join(folder, recordDigestName), `${hash.digest("hex")}\n`);
}

function recordPieces({ head, chunks }: ChunkedRecord): readonly Buffer[] {
  const list = chunks.map(({ summary, record, metadata }) => ({
    ...summary,
    recordBytes: record.length,
    metadata,
  }));
  const first = JSON.stringify({ ...head, chunks: { metadataVersion, list } }).slice(0, -1);
  const between = Buffer.from(betweenChunks);
  return [
    Buffer.from(`${first},"packages":[\n`),
    ...chunks.flatMap(({ record }, index) => (index === 0 ? [record] : [between, record])),
    Buffer.from(afterChunks),
  ];
}
