import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { PassThrough, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { MetadataChunk } from "./metadata-chunks.ts";
import type { PackageMetadata } from "./package-metadata.ts";
import { xmlAttributes, xmlText } from "./xml.ts";

/** How the metadata files are packed: `gzip` for clients from before 2019 or so. */
export type MetadataCompression = "zstd" | "gzip";

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

const kinds = ["primary", "filelists", "other"] as const;

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
 * Writes `repodata/` into `folder`, all but repomd.xml, whose text it returns. The bytes depend on
 * the arguments alone.
 *
 * @param chunks the packages' metadata in the order in which it shall stand; taken one by one, so
 *   that no more than a few are in memory
 */
export async function writeRepodata(
  folder: string,
  chunks: AsyncIterable<MetadataChunk>,
  options: RepodataOptions,
): Promise<string> {
  await mkdir(path.join(folder, "repodata"), { recursive: true });
  const writers = kinds.map((kind) => ({ kind, writer: metadataWriter(folder, kind, options) }));
  for (const { kind, writer } of writers) {
    const { tag, attributes } = roots[kind];
    const root = xmlAttributes({ ...attributes, packages: options.packageCount });
    await writer.write(Buffer.from(`${declaration}<${tag}${root}>\n`));
  }
  for await (const chunk of chunks) {
    await Promise.all(writers.map(({ kind, writer }) => writer.write(chunk[kind])));
  }
  const files = await Promise.all(
    writers.map(({ kind, writer }) => writer.finish(Buffer.from(`</${roots[kind].tag}>`))),
  );
  const extras = await Promise.all(
    options.extras.map(({ kind, text }) =>
      metadataWriter(folder, kind, options).finish(Buffer.from(text)),
    ),
  );
  return repomdXml([...files, ...extras], options.revisionSeconds);
}

/** Of the files that are not called by their kind. */
const fileNames: Readonly<Record<string, string>> = {
  group: "comps.xml",
  provenance: "provenance.jsonl",
};

interface MetadataWriter {
  /** Settles when there is room for more. */
  write(bytes: Buffer): Promise<void>;
  finish(bytes: Buffer): Promise<MetadataFile>;
}

function metadataWriter(
  folder: string,
  kind: string,
  { compression, packageCount }: RepodataOptions,
): MetadataWriter {
  const temporary = path.join(folder, "repodata", `.${kind}`);
  const input = new PassThrough();
  const open = digestingStream();
  const packed = digestingStream();
  const output = createWriteStream(temporary, { flush: true });
  const packer = compressor(compression, packageCount);
  const ended = pipeline(input, open.stream, packer, packed.stream, output);
  // Whoever writes meets the failure; until then nobody waits for it.
  ended.catch(() => undefined);
  return {
    async write(bytes) {
      if (input.destroyed) return ended;
      if (input.write(bytes)) return;
      await Promise.race([ended, new Promise((resolve) => input.once("drain", resolve))]);
    },
    async finish(bytes) {
      input.end(bytes);
      await ended;
      const sha256 = packed.sha256();
      const suffix = compression === "zstd" ? "zst" : "gz";
      const name = fileNames[kind] ?? `${kind}.xml`;
      const location = `repodata/${sha256}-${name}.${suffix}`;
      await rename(temporary, path.join(folder, location));
      return {
        kind,
        location,
        sha256,
        sizeBytes: packed.sizeBytes(),
        openSha256: open.sha256(),
        openSizeBytes: open.sizeBytes(),
      };
    },
  };
}

/**
 * One stream, never several joined: some readers stop at the end of the first. The level is
 * createrepo_c's, but for large repositories, where it would cost seconds for a tenth of the size.
 */
function compressor(compression: MetadataCompression, packageCount: number): Transform {
  if (compression === "gzip") return createGzip();
  const level = packageCount > 5000 ? 3 : 10;
  return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
}

function digestingStream(): {
  readonly stream: Transform;
  readonly sha256: () => string;
  readonly sizeBytes: () => number;
} {
  const hash = createHash("sha256");
  let size = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  return { stream, sha256: () => hash.digest("hex"), sizeBytes: () => size };
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
