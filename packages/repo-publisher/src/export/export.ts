import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CleanroomError, type Logger, mapConcurrent } from "@cleanroom/core";
import type { Generation } from "../generation.ts";
import { parseRecord, recordFileName } from "../generation-record.ts";
import { isContentNamed, metadataLocations } from "../locations.ts";
import { joinSignatures } from "../sign/openpgp-armor.ts";
import { movedRepoFileText, publicKeyFileName, repoFileName } from "../repo-file.ts";
import { folderTarget } from "./folder-target.ts";
import type { S3Options } from "./s3-target.ts";
import type { ExportTarget, FileProperties } from "./target.ts";

export interface ExportOptions {
  readonly generation: Generation;
  /** A folder, or `s3://bucket/prefix`. */
  readonly to: string;
  /** Under which URL clients will reach it, for the `.repo` file; the target's own when absent. */
  readonly baseUrl?: string;
  readonly s3?: S3Options;
  readonly logger: Logger;
}

export interface ExportResult {
  readonly target: string;
  /** Files written, and files that were there already. */
  readonly written: number;
  readonly kept: number;
  readonly removed: number;
}

const metadataLocation = "repodata/repomd.xml";
const signatureLocation = "repodata/repomd.xml.asc";

/**
 * Copies a generation to where any web server or bucket service can serve it. Files whose names
 * hold their digest go first, repomd.xml, which points at them, last; so clients see the old
 * generation or the new one. What the generation before it needs stays until the next export.
 *
 * There is one moment in which repomd.xml is new and its signature is not, or the other way round,
 * because these are two files. For that moment the signature file holds both signatures.
 *
 * @throws CleanroomError `export-failed`
 */
export async function exportGeneration(options: ExportOptions): Promise<ExportResult> {
  return copyGeneration(await exportTarget(options), options);
}

/** {@link exportGeneration} to a target that is at hand. */
export async function copyGeneration(
  target: ExportTarget,
  options: ExportOptions,
): Promise<ExportResult> {
  const { generation, logger } = options;
  const there = await target.list();
  const before = await filesBefore(target);
  const immutable = await immutableFiles(generation);
  const missing = [...immutable].filter(([location, size]) => there.get(location) !== size);
  logger.info(`copying ${missing.length} of ${immutable.size} files to ${target.name}`);
  await mapConcurrent(missing, 4, ([location]) =>
    target.putFile(location, path.join(generation.folder, location), propertiesOf(location)),
  );
  const text = (location: string): Promise<string> =>
    readFile(path.join(generation.folder, location), "utf8");
  const put = (location: string, content: string): Promise<void> =>
    target.putText(location, content, propertiesOf(location));
  const baseUrl = options.baseUrl ?? ownUrl(options.to);
  await put(publicKeyFileName, await text(publicKeyFileName));
  await put("repodata/repomd.xml.key", await text(publicKeyFileName));
  await put(repoFileName, movedRepoFileText(await text(repoFileName), baseUrl));
  const signature = await text(signatureLocation);
  const oldSignature = await target.read(signatureLocation);
  if (oldSignature !== undefined && oldSignature !== signature) {
    await put(signatureLocation, joinSignatures([signature, oldSignature]));
  } else await put(signatureLocation, signature);
  await put(metadataLocation, await text(metadataLocation));
  await put(signatureLocation, signature);
  await put(recordFileName, await text(recordFileName));
  const stale = [...there.keys()].filter(
    (location) => isContentNamed(location) && !immutable.has(location) && !before.has(location),
  );
  for (const location of stale) await target.remove(location);
  return {
    target: target.name,
    written: missing.length,
    kept: immutable.size - missing.length,
    removed: stale.length,
  };
}

async function exportTarget({ to, s3 = {} }: ExportOptions): Promise<ExportTarget> {
  const url = URL.canParse(to) ? new URL(to) : undefined;
  if (url === undefined || url.protocol === "file:") {
    return folderTarget(url === undefined ? path.resolve(to) : fileURLToPath(url));
  }
  if (url.protocol === "s3:") {
    // Only here: the SDK takes longer to load than most commands take.
    const { s3Target } = await import("./s3-target.ts");
    return s3Target(url, s3);
  }
  throw new CleanroomError("export-failed", `a repository cannot be copied to ${to}`, {
    exitCode: 2,
    hint: "name a folder or s3://BUCKET/PREFIX",
  });
}

/** The address of the target itself: what clients use unless somebody says better. */
function ownUrl(to: string): string {
  const url = URL.canParse(to) ? new URL(to) : pathToFileURL(path.resolve(to));
  return url.href.replace(/\/$/, "");
}

/** The content-named files of a generation, and their sizes. */
async function immutableFiles(generation: Generation): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map(generation.packages.map((one) => [one.location, one.sizeBytes]));
  for (const name of await readdir(path.join(generation.folder, "repodata"))) {
    const location = `repodata/${name}`;
    if (!isContentNamed(location)) continue;
    sizes.set(location, (await stat(path.join(generation.folder, location))).size);
  }
  return sizes;
}

/** The files of the generation that clients of the target see now. */
async function filesBefore(target: ExportTarget): Promise<ReadonlySet<string>> {
  const record = parseRecord((await target.read(recordFileName)) ?? "");
  const repomd = (await target.read(metadataLocation)) ?? "";
  const packages = record?.packages.map((one) => one.location) ?? [];
  return new Set([...packages, ...metadataLocations(repomd)]);
}

const contentTypes: Readonly<Record<string, string>> = {
  ".rpm": "application/x-rpm",
  ".xml": "application/xml",
  ".json": "application/json",
  ".zst": "application/zstd",
  ".gz": "application/gzip",
  ".asc": "application/pgp-signature",
};

function propertiesOf(location: string): FileProperties {
  const contentType = contentTypes[path.extname(location)] ?? "text/plain; charset=utf-8";
  return { contentType, immutable: isContentNamed(location) };
}
