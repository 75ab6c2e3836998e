import { type Json, type Sha256, sha256Json } from "@cleanroom/core";
import type { RpmFile } from "rpm-parser";
import type { AdmittedPackage } from "../lock/admit-packages.ts";
import { type Compression, packKey } from "./compression.ts";
import type { ImageContext } from "../context.ts";
import { capabilityAttribute } from "./file-capabilities.ts";
import type { Owners } from "./owners.ts";
import type { PieceFile } from "./root-contents.ts";
import { type TarEntry } from "./tar-writer.ts";

/** Raised when the same package would give another piece. */
const pieceEpoch = 4;

/** An entry of a piece: a tar header, and the file whose content follows. */
export interface PieceEntry {
  readonly entry: TarEntry;
  readonly content?: {
    /** Below the root. */
    readonly path: string;
    readonly hostPath: string;
    readonly sizeBytes: number;
    readonly algorithm: string;
    readonly digest: string;
  };
}

/** Where a piece lies in a layer of the store. */
export interface KeptPiece {
  readonly blob: Sha256;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Paths of files that name the folder in which packages are built. */
  readonly buildPaths: readonly string[];
}

/**
 * A package's part of a layer: its files without directories and without an archive's end, so that
 * pieces put one after the other are one archive. It is compressed once, and found by its key.
 */
export interface Piece {
  readonly name: string;
  readonly key: Sha256;
  /** Made when it is asked for: most pieces lie in layers that are known. */
  readonly entries: () => readonly PieceEntry[];
  /** Undefined when it is still to be made. */
  readonly kept: KeptPiece | undefined;
}

/** The pieces of packages, in their order; undefined for a package without a file. */
export async function findPieces(
  context: ImageContext,
  packages: readonly AdmittedPackage[],
  files: readonly (readonly PieceFile[])[],
  owners: Owners,
  compression: Compression,
): Promise<readonly (Piece | undefined)[]> {
  return Promise.all(
    packages.map(async (one, index): Promise<Piece | undefined> => {
      const own = files[index] ?? [];
      if (own.length === 0) return undefined;
      const key = pieceKey(context, one, own, owners, compression);
      return {
        name: one.header.nevra,
        key,
        entries: () => pieceEntries(one, own, owners),
        kept: await keptPiece(context, key),
      };
    }),
  );
}

async function keptPiece({ store }: ImageContext, key: Sha256): Promise<KeptPiece | undefined> {
  const known = await store.action(key);
  const blob = known?.outputs[0]?.sha256;
  if (known === undefined || blob === undefined) return undefined;
  return { blob, ...(known.facts["piece"] as unknown as Omit<KeptPiece, "blob">) };
}

/** Remembers where pieces lie in a layer of the store. */
export async function keepPiece(
  { store }: ImageContext,
  { name, key }: Piece,
  { blob, ...piece }: KeptPiece,
  layerBytes: number,
): Promise<void> {
  await store.putAction(key, {
    outputs: [{ name, sha256: blob, size: layerBytes }],
    facts: { piece },
  });
}

function pieceKey(
  context: ImageContext,
  { entry, header }: AdmittedPackage,
  files: readonly PieceFile[],
  owners: Owners,
  compression: Compression,
): Sha256 {
  const here = new Map(files.map(({ file, path }) => [file.index, path]));
  return sha256Json([
    ...["piece", pieceEpoch, packKey(context, compression), entry.sha256],
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

/** In the header's order; owner, mode, time and capabilities are the header's, too. */
function pieceEntries(
  { header }: AdmittedPackage,
  files: readonly PieceFile[],
  owners: Owners,
): readonly PieceEntry[] {
  const names = new Map<string, string>();
  return files.map(({ file, path, hostPath }): PieceEntry => {
    const entry = tarEntry(file, path, owners);
    if (file.type !== "file") return { entry };
    const inode = `${file.device} ${file.inode}`;
    const first = names.get(inode);
    if (first !== undefined) {
      return { entry: { ...entry, type: "link", sizeBytes: 0, linkTarget: first } };
    }
    names.set(inode, path);
    const { sizeBytes, digest } = file;
    const algorithm = header.fileDigestAlgorithm;
    return { entry, content: { path, hostPath, sizeBytes, algorithm, digest } };
  });
}

function tarEntry(file: RpmFile, path: string, owners: Owners): TarEntry {
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
