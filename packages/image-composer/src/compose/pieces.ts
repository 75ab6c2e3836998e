import { createReadStream, createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CleanroomError, type Json, sha256Json } from "@cleanroom/core";
import { openRpmPackage, readPayload, type RpmFile } from "rpm-parser";
import type { AdmittedPackage } from "../lock/admit-packages.ts";
import { compressEpoch, compressFolder, type Compression, type PackedBlob } from "./compress.ts";
import type { ImageContext } from "../context.ts";
import { capabilityAttribute } from "./file-capabilities.ts";
import type { Owners } from "./owners.ts";
import type { PieceFile } from "./root-contents.ts";
import { tarHeader, tarPadding } from "./tar-writer.ts";

/** Raised when the same package would give another piece. */
const pieceEpoch = 1;

/** What is to become a piece: a package, and the files that go in. */
export interface PieceRequest {
  readonly package: AdmittedPackage;
  readonly files: readonly PieceFile[];
}

/**
 * Makes a compressed tar piece of each package, without directories and without an end: pieces
 * put one after the other are one archive. Each is made once and kept by all that decides it.
 *
 * @returns in the order of the requests; undefined for a package without a file
 */
export async function makePieces(
  context: ImageContext,
  requests: readonly PieceRequest[],
  owners: Owners,
  compression: Compression,
): Promise<readonly (PackedBlob | undefined)[]> {
  const { store } = context;
  const keys = requests.map((request) => pieceKey(context, request, owners, compression));
  const pieces: (PackedBlob | undefined)[] = [];
  for (const [index, request] of requests.entries()) {
    const key = keys[index] ?? "";
    const output = request.files.length === 0 ? undefined : (await store.action(key))?.outputs[0];
    pieces.push(output && { sha256: output.sha256, sizeBytes: output.size });
  }
  const missing = requests.flatMap(({ files }, index) =>
    files.length > 0 && pieces[index] === undefined ? [index] : [],
  );
  if (missing.length === 0) return pieces;
  context.logger.info(`compressing ${missing.length} packages`);
  await store.withTemporaryFolder("pieces", async (folder) => {
    await mkdir(path.join(folder, "plain"));
    for (const index of missing) {
      const file = path.join(folder, "plain", String(index));
      await writePiece(context, requests[index] as PieceRequest, owners, file);
    }
    const packed = await compressFolder(context, folder, compression);
    for (const index of missing) {
      const blob = packed.get(String(index));
      if (blob === undefined) throw new TypeError(`piece ${index} was not compressed`);
      pieces[index] = blob;
      const name = requests[index]?.package.header.nevra ?? "";
      await store.putAction(keys[index] ?? "", {
        outputs: [{ name, sha256: blob.sha256, size: blob.sizeBytes }],
        facts: {},
      });
    }
  });
  return pieces;
}

function pieceKey(
  { tools }: ImageContext,
  { package: { entry, header }, files }: PieceRequest,
  owners: Owners,
  compression: Compression,
): string {
  const here = new Map(files.map(({ file, path }) => [file.index, path]));
  return sha256Json([
    "piece",
    pieceEpoch,
    ...[compressEpoch, tools.digest, compression, entry.sha256],
    // Only what is not as the header says, so that the usual key is short.
    header.files.filter(({ index, type }) => type !== "directory" && !here.has(index)).map(indexOf),
    files.flatMap(({ file, path }) => (`/${path}` === file.path ? [] : [[file.index, path]])),
    [...new Set(files.map(({ file }) => file.user))].map((user) => [user, owners.uid(user)]),
    [...new Set(files.map(({ file }) => file.group))].map((group) => [group, owners.gid(group)]),
  ] as Json);
}

function indexOf({ index }: RpmFile): number {
  return index;
}

async function writePiece(
  { store }: ImageContext,
  request: PieceRequest,
  owners: Owners,
  target: string,
): Promise<void> {
  const { entry, header } = request.package;
  const blob = await store.blob(entry.sha256);
  if (blob === undefined) {
    throw new CleanroomError("blob-missing", `the store lacks ${header.nevra}`, {
      hint: "run the command again: it will be fetched anew",
    });
  }
  await pipeline(
    Readable.from(pieceBytes(blob, request, owners)),
    createWriteStream(target, { highWaterMark: 1 << 20 }),
  );
}

/** The entries in the payload's order; content comes from the payload, all else from the header. */
async function* pieceBytes(
  rpmFile: string,
  { files }: PieceRequest,
  owners: Owners,
): AsyncGenerator<Uint8Array> {
  const paths = new Map(files.map(({ file, path }) => [file.index, path]));
  const rpm = await openRpmPackage(createReadStream(rpmFile, { highWaterMark: 1 << 20 }));
  for await (const { file, links, data } of readPayload(rpm)) {
    const names = [...links, file].filter(({ index }) => paths.has(index));
    const [first, ...others] = names;
    if (first === undefined) continue;
    const path = paths.get(first.index) ?? "";
    yield tarHeader(tarEntry(first, path, owners));
    if (first.type === "file") {
      for await (const chunk of data) yield chunk;
      yield tarPadding(first.sizeBytes);
    }
    for (const other of others) {
      const entry = tarEntry(other, paths.get(other.index) ?? "", owners);
      yield tarHeader({ ...entry, type: "link", sizeBytes: 0, linkTarget: path });
    }
  }
}

function tarEntry(file: RpmFile, path: string, owners: Owners): Parameters<typeof tarHeader>[0] {
  const isFile = file.type === "file";
  return {
    path,
    type: isFile ? "file" : "symlink",
    // Links have no mode of their own; rpm's headers have 0777 for them.
    mode: file.mode & 0o7777,
    uid: owners.uid(file.user),
    gid: owners.gid(file.group),
    sizeBytes: isFile ? file.sizeBytes : 0,
    mtimeSeconds: file.mtimeSeconds,
    ...(isFile ? {} : { linkTarget: file.linkTarget }),
    ...(file.capabilities === ""
      ? {}
      : { attributes: { "security.capability": capabilityAttribute(file.capabilities) } }),
  };
}
