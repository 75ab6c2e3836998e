import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { PackageMetadata } from "./package-metadata.ts";
import { xmlAttributes, xmlText } from "./xml.ts";

/** How the metadata files are packed: `gzip` for clients from before 2019 or so. */
export type MetadataCompression = "zstd" | "gzip";

/** One `data` element of repomd.xml. */
export interface MetadataFile {
  readonly kind: keyof PackageMetadata;
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
} as const;

const kinds = ["primary", "filelists", "other"] as const;

const compressions = {
  zstd: {
    suffix: "zst",
    create: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9 } }),
  },
  gzip: { suffix: "gz", create: () => createGzip({ level: 9 }) },
} as const;

/**
 * Writes `repodata/` with repomd.xml into `folder`. The bytes depend on the arguments alone.
 *
 * @param packages the packages' parts in the order in which they shall stand
 * @param revisionSeconds repomd.xml's revision and the time of its files, seconds since 1970
 */
export async function writeRepodata(
  folder: string,
  packages: readonly PackageMetadata[],
  options: { readonly compression: MetadataCompression; readonly revisionSeconds: number },
): Promise<{ repomd: string; files: readonly MetadataFile[] }> {
  await mkdir(path.join(folder, "repodata"), { recursive: true });
  const files = await Promise.all(
    kinds.map((kind) => writeMetadataFile(folder, kind, packages, options.compression)),
  );
  return { repomd: repomdXml(files, options.revisionSeconds), files };
}

async function writeMetadataFile(
  folder: string,
  kind: keyof PackageMetadata,
  packages: readonly PackageMetadata[],
  compression: MetadataCompression,
): Promise<MetadataFile> {
  const { suffix, create } = compressions[compression];
  const temporary = path.join(folder, "repodata", `.${kind}`);
  const open = digestingStream();
  const packed = digestingStream();
  await pipeline(
    Readable.from(metadataChunks(kind, packages)),
    open.stream,
    create(),
    packed.stream,
    createWriteStream(temporary, { flush: true }),
  );
  const sha256 = packed.sha256();
  const location = `repodata/${sha256}-${kind}.xml.${suffix}`;
  await rename(temporary, path.join(folder, location));
  return {
    kind,
    location,
    sha256,
    sizeBytes: packed.sizeBytes(),
    openSha256: open.sha256(),
    openSizeBytes: open.sizeBytes(),
  };
}

/** Few large chunks: one per package would cost more in streams than in compression. */
const chunkLength = 256 * 1024;

function* metadataChunks(
  kind: keyof PackageMetadata,
  packages: readonly PackageMetadata[],
): Generator<Buffer> {
  const { tag, attributes } = roots[kind];
  let text = `${declaration}<${tag}${xmlAttributes({ ...attributes, packages: packages.length })}>\n`;
  for (const one of packages) {
    text += one[kind];
    if (text.length < chunkLength) continue;
    yield Buffer.from(text);
    text = "";
  }
  yield Buffer.from(`${text}</${tag}>`);
}

function digestingStream(): {
  stream: Transform;
  sha256: () => string;
  sizeBytes: () => number;
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
