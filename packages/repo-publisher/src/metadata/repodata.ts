import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import path from "node:path";
import type { PackageChunk } from "../package-chunk.ts";
import type { DescribedChunk } from "./metadata-chunks.ts";
import { metadataKinds } from "./descriptions.ts";
import type { PackageMetadata } from "./package-metadata.ts";
import { type MetadataCompression, type Packing, packingOf } from "./packing.ts";
import { type MetadataText, releaseTexts } from "./pack-chunk.ts";
import { xmlAttributes, xmlText } from "./xml.ts";
import { compressPiece } from "./zstd-frame.ts";

/** One `data` element of repomd.xml. */
interface MetadataFile {
  readonly kind: string;
  /** Path below the repository's folder; holds the digest, so it never changes its content. */
  readonly location: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Of the uncompressed file. */
  readonly openSha256: string;
  readonly openSizeBytes: number;
}

const namespace = "http://linux.duke.edu/metadata";
const declaration = `<?xml version="1.0" encoding="UTF-8"?>\n`;

const roots = {
  primary: {
    tag: "metadata",
    attributes: { xmlns: `${namespace}/common`, "xmlns:rpm": `${namespace}/rpm` },
  },
  filelists: { tag: "filelists", attributes: { xmlns: `${namespace}/filelists` } },
  other: { tag: "otherdata", attributes: { xmlns: `${namespace}/other` } },
} as const satisfies Record<keyof PackageMetadata, unknown>;

export interface RepodataOptions {
  readonly packageCount: number;
  readonly compression: MetadataCompression;
  /** repomd.xml's revision and the time of its files, seconds since 1970. */
  readonly revisionSeconds: number;
  readonly extras: readonly ExtraMetadata[];
}

/** A metadata file besides the three that every repository has. */
export interface ExtraMetadata {
  /** repomd.xml's type of it. */
  readonly kind: "group" | "updateinfo" | "provenance";
  readonly text: string;
}

/**
 * Writes `repodata/` into `folder`, all but repomd.xml, whose text it returns beside the chunks as
 * they came. The bytes depend on the arguments alone.
 *
 * @param chunks the packages' metadata in the order in which it shall stand; taken one by one, so
 *   that no more than a few are in memory
 */
export async function writeRepodata(
  folder: string,
  chunks: AsyncIterable<DescribedChunk>,
  { packageCount, compression, revisionSeconds, extras }: RepodataOptions,
): Promise<{ readonly repomd: string; readonly chunks: readonly PackageChunk[] }> {
  await mkdir(path.join(folder, "repodata"), { recursive: true });
  const writer = (kind: string): Promise<MetadataWriter> =>
    MetadataWriter.open(folder, kind, packingOf(compression));
  const writers = await Promise.all(
    metadataKinds.map(async (kind) => ({ kind, writer: await writer(kind) })),
  );
  try {
    for (const { kind, writer: one } of writers) {
      const { tag, attributes } = roots[kind];
      const root = xmlAttributes({ ...attributes, packages: packageCount });
      await one.write(await textPiece(`${declaration}<${tag}${root}>\n`));
    }
    const written: PackageChunk[] = [];
    for await (const { chunk, metadata } of chunks) {
      await Promise.all(writers.map(({ kind, writer: one }) => one.write(metadata[kind])));
      releaseTexts(metadata);
      written.push(chunk);
    }
    const files: MetadataFile[] = [];
    for (const { kind, writer: one } of writers) {
      await one.write(await textPiece(`</${roots[kind].tag}>`));
      files.push(await one.finish());
    }
    for (const { kind, text } of extras) {
      const one = await writer(kind);
      await one.write(await textPiece(text));
      files.push(await one.finish());
    }
    return { repomd: repomdXml(files, revisionSeconds), chunks: written };
  } finally {
    for (const { writer: one } of writers) await one.close();
  }
}

async function textPiece(text: string): Promise<MetadataText> {
  const bytes = Buffer.from(text);
  return { text: bytes, frame: await compressPiece(bytes) };
}

/** Of the files that are not called by their kind. */
const fileNames: Readonly<Record<string, string>> = {
  group: "comps.xml",
  provenance: "provenance.jsonl",
};

const writtenAtOnceBytes = 256 * 1024;

/** Writes one metadata file piece by piece, as `repodata/<digest>-<name>`. */
class MetadataWriter {
  readonly #folder: string;
  readonly #kind: string;
  readonly #packing: Packing;
  readonly #file: FileHandle;
  readonly #open = new DigestedSize();
  readonly #packed = new DigestedSize();
  /** Packed, and not written yet: pieces are small. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  private constructor(folder: string, kind: string, packing: Packing, file: FileHandle) {
    this.#folder = folder;
    this.#kind = kind;
    this.#packing = packing;
    this.#file = file;
  }

  static async open(folder: string, kind: string, packing: Packing): Promise<MetadataWriter> {
    const file = await open(temporaryFile(folder, kind), "wx");
    return new MetadataWriter(folder, kind, packing, file);
  }

  async write(piece: MetadataText): Promise<void> {
    const { text, packed } = await this.#packing.add(piece);
    for (const bytes of text) this.#open.add(bytes);
    for (const bytes of packed) await this.#append(bytes);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#packed.add(bytes);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= writtenAtOnceBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting.splice(0));
    this.#waitingBytes = 0;
    await this.#file.writeFile(bytes);
  }

  async finish(): Promise<MetadataFile> {
    await this.#append(this.#packing.end());
    await this.#flush();
    await this.#file.sync();
    await this.close();
    const { sha256, sizeBytes } = this.#packed.finish();
    const { sha256: openSha256, sizeBytes: openSizeBytes } = this.#open.finish();
    const name = `${fileNames[this.#kind] ?? `${this.#kind}.xml`}.${this.#packing.suffix}`;
    const location = `repodata/${sha256}-${name}`;
    await rename(temporaryFile(this.#folder, this.#kind), path.join(this.#folder, location));
    return { kind: this.#kind, location, sha256, sizeBytes, openSha256, openSizeBytes };
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function temporaryFile(folder: string, kind: string): string {
  return path.join(folder, "repodata", `.${kind}`);
}

class DigestedSize {
  readonly #hash = createHash("sha256");
  #sizeBytes = 0;

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }

  finish(): { readonly sha256: string; readonly sizeBytes: number } {
    return { sha256: this.#hash.digest("hex"), sizeBytes: this.#sizeBytes };
  }
}

function repomdXml(files: readonly MetadataFile[], revisionSeconds: number): string {
  const root = { xmlns: `${namespace}/repo`, "xmlns:rpm": `${namespace}/rpm` };
  const entries = files.map(
    (file) => `  <data${xmlAttributes({ type: file.kind })}>
    <checksum type="sha256">${file.sha256}</checksum>
    <open-checksum type="sha256">${file.openSha256}</open-checksum>
    <location${xmlAttributes({ href: file.location })}/>
    <timestamp>${revisionSeconds}</timestamp>
    <size>${file.sizeBytes}</size>
    <open-size>${file.openSizeBytes}</open-size>
  </data>
`,
  );
  const revision = `  <revision>${xmlText(String(revisionSeconds))}</revision>\n`;
  return `${declaration}<repomd${xmlAttributes(root)}>\n${revision}${entries.join("")}</repomd>\n`;
}
