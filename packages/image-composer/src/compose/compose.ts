import { pathMatcher, type Sha256, sha256 } from "@cleanroom/core";
import { makeLayeredRoot } from "@cleanroom/rootfs";
import type { AdmittedPackages } from "../lock/admit-packages.ts";
import type { ImageContext, ImageRequest } from "../context.ts";
import type { ImageFile } from "../image-file.ts";
import { databaseFile, type ImageState, imageState, withDatabase } from "./image-state.ts";
import { type PlannedLayer, planLayers, sourceNameOf } from "../lock/layer-plan.ts";
import { assembleLayers, directoriesFor, type LayerBlob, type LayerParts } from "./layers.ts";
import { findPieces } from "./pieces.ts";
import type { ImageContent, ImageDirectory } from "./policy.ts";
import type { AddedFile, StateItem } from "./requested-state.ts";
import { divideRoot, type PieceFile, type RootContents } from "./root-contents.ts";
import { RootTree } from "./root-tree.ts";
import { sourceGroups } from "../lock/source-groups.ts";
import type { TarEntry } from "./tar-writer.ts";

/** A layer with what is known of it. */
interface ComposedLayer {
  readonly blob: LayerBlob;
  /** Names of source packages; empty for the state layer. */
  readonly sources: readonly string[];
  /** Indexes of the packages whose pieces it holds. */
  readonly packages: readonly number[];
  readonly unpackedBytes: number;
  /** Files and links. */
  readonly files: number;
}

/** All of an image but its configuration. */
export interface Composition {
  readonly layers: readonly ComposedLayer[];
  /** Digests of layers that were not in the store before. */
  readonly madeLayers: ReadonlySet<Sha256>;
  /** For each package the bytes of its files that the image holds. */
  readonly packageBytes: readonly number[];
  readonly contents: readonly ImageContent[];
  readonly directories: readonly ImageDirectory[];
  readonly removed: RootContents["removed"];
  /** `uid:gid`; undefined when image.yaml names no user. */
  readonly user: string | undefined;
  /** Seconds since 1970: when the newest package was built. */
  readonly created: number;
}

/** What composing works from. */
export interface ComposeInput {
  readonly request: ImageRequest;
  readonly image: ImageFile;
  readonly added: readonly AddedFile[];
  readonly admitted: AdmittedPackages;
  /** Layers as locked. */
  readonly layers: readonly PlannedLayer[];
}

/** Installs the packages, divides the root among them, and makes the layers. */
export async function compose(
  context: ImageContext,
  { request, image, added, admitted, layers }: ComposeInput,
): Promise<Composition> {
  const { packages } = admitted;
  const root = await makeLayeredRoot(context.store, context.tools, packages, request.repositories, {
    docs: image.slim.docs,
    ...(image.slim.languages === undefined ? {} : { languages: image.slim.languages }),
  });
  const tree = new RootTree(
    root,
    packages.map(({ header }) => header),
  );
  const contents = divideRoot(tree, packages, pathMatcher(image.slim.files));
  const others = await imageState(context, tree, contents, image, added);
  // What image.yaml puts in a package's place is in the state layer alone.
  const replaced = new Set(others.items.map(({ path }) => path));
  const files = contents.pieces.map((piece) => piece.filter(({ path }) => !replaced.has(path)));
  const packageBytes = files.map(contentBytes);
  const created = Math.max(...packages.map(({ header }) => header.buildTimeSeconds));
  const pieces = await findPieces(context, packages, files, others.owners, image.compression);
  const drafts = draftLayers(admitted, image, request, layers);
  const paths = drafts.map(({ packages: members, holdsState }) => {
    const directories = [...contents.directories.values()].filter(({ owners }) =>
      owners.length === 0 ? holdsState : owners.some((index) => members.includes(index)),
    );
    return [
      ...directories.map(({ path }) => `${path}/`),
      ...members.flatMap((index) => (files[index] ?? []).map(({ path }) => path)),
      ...(holdsState ? [databaseFile, ...others.items.map(({ path }) => path)] : []),
      ...(holdsState ? others.directories.map(({ path }) => `${path}/`) : []),
    ];
  });
  const directory = directoryEntry(contents, others, created);
  const directories = paths.map((some) => directoriesFor(some).map(directory));
  // Only now, for rpm has been at work on it all the while.
  const state = await withDatabase(others, await root.database);
  const parts = drafts.map(({ packages: members, holdsState }, index): LayerParts => ({
    directories: directories[index] ?? [],
    pieces: members.flatMap((member) => pieces[member] ?? []),
    files: holdsState ? state.items.map((item) => stateEntry(item, created)) : [],
  }));
  const packed = await assembleLayers(
    context,
    [context.store.path("layers"), root.changes],
    parts,
    image.compression,
  );
  const stateBytes = state.items.reduce((sum, { content }) => sum + sizeOf(content), 0);
  return {
    layers: drafts.map(({ packages: members, sources, holdsState }, index) => ({
      blob: packed.blobs[index] as LayerBlob,
      sources,
      packages: members,
      unpackedBytes:
        members.reduce((sum, member) => sum + (packageBytes[member] ?? 0), 0) +
        (holdsState ? stateBytes : 0),
      files:
        members.reduce((sum, member) => sum + (files[member]?.length ?? 0), 0) +
        (holdsState ? state.items.length : 0),
    })),
    madeLayers: packed.made,
    packageBytes,
    contents: imageContents(files, packed.buildPaths, state),
    directories: imageDirectories(contents, state),
    removed: contents.removed,
    user: userOf(image, state),
    created,
  };
}

interface LayerDraft {
  readonly sources: readonly string[];
  readonly packages: readonly number[];
  readonly holdsState: boolean;
}

/** The state layer comes last; an image of one layer has all in it. */
function draftLayers(
  admitted: AdmittedPackages,
  image: ImageFile,
  request: ImageRequest,
  locked: readonly PlannedLayer[],
): readonly LayerDraft[] {
  const membersOf = (sources: PlannedLayer): number[] =>
    admitted.packages.flatMap(({ entry }, index) =>
      sources.includes(sourceNameOf(entry.sourceRpm)) ? [index] : [],
    );
  const groups = sourceGroups(admitted, request.repositories);
  if (image.layers.budget === 1) {
    const sources = groups.map(({ source }) => source).toSorted();
    return [{ sources, packages: membersOf(sources), holdsState: true }];
  }
  return [
    ...planLayers(groups, image.layers.budget - 1, locked).map((sources) => ({
      sources,
      packages: membersOf(sources),
      holdsState: false,
    })),
    { sources: [], packages: [], holdsState: true },
  ];
}

/** A directory is the same in every layer that needs it. */
function directoryEntry(
  contents: RootContents,
  { directories, owners }: ImageState,
  created: number,
): (path: string) => TarEntry {
  const asked = new Map(directories.map((directory) => [directory.path, directory]));
  return (path) => {
    const plain = { path, type: "directory", sizeBytes: 0, mtimeSeconds: created } as const;
    const wanted = asked.get(path);
    if (wanted !== undefined) {
      return { ...plain, mode: wanted.mode, uid: wanted.uid, gid: wanted.gid };
    }
    const found = contents.directories.get(path);
    if (found === undefined) return { ...plain, mode: 0o755, uid: 0, gid: 0 };
    const { mode, user, group, mtimeSeconds = created } = found;
    return { ...plain, mode, uid: owners.uid(user), gid: owners.gid(group), mtimeSeconds };
  };
}

function stateEntry(item: StateItem, created: number): LayerParts["files"][number] {
  const { path, uid, gid, content } = item;
  const plain = { path, uid, gid, mtimeSeconds: created };
  if ("link" in content) {
    return {
      entry: { ...plain, type: "symlink", mode: 0o777, sizeBytes: 0, linkTarget: content.link },
    };
  }
  const { bytes } = content;
  return { entry: { ...plain, type: "file", mode: item.mode, sizeBytes: bytes.length }, bytes };
}

function sizeOf(content: StateItem["content"]): number {
  return "bytes" in content ? content.bytes.length : 0;
}

/** Hard links are names of one file, whose bytes are there once. */
function contentBytes(files: readonly PieceFile[]): number {
  const seen = new Set<number>();
  let sum = 0;
  for (const { file } of files) {
    if (file.type !== "file" || seen.has(file.inode)) continue;
    seen.add(file.inode);
    sum += file.sizeBytes;
  }
  return sum;
}

function imageContents(
  files: readonly (readonly PieceFile[])[],
  buildPaths: ReadonlySet<string>,
  state: ImageState,
): readonly ImageContent[] {
  return [
    ...files.flatMap((piece, index) =>
      piece.map(({ file, path }) => ({
        path: `/${path}`,
        mode: file.mode & 0o7777,
        isLink: file.type === "symlink",
        sizeBytes: file.type === "symlink" ? 0 : file.sizeBytes,
        content: file.type === "symlink" ? file.linkTarget : file.digest,
        hasBuildPath: buildPaths.has(path),
        package: index,
      })),
    ),
    ...state.items.map(({ path, mode, content }) => ({
      path: `/${path}`,
      mode,
      isLink: "link" in content,
      sizeBytes: sizeOf(content),
      content: "link" in content ? content.link : sha256(content.bytes),
      hasBuildPath: false,
    })),
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function imageDirectories(
  { directories }: RootContents,
  state: ImageState,
): readonly ImageDirectory[] {
  const found = new Map<string, Omit<ImageDirectory, "path">>();
  for (const { path, mode, owners } of directories.values()) {
    found.set(path, { mode, package: owners[0] });
  }
  for (const { path, mode } of state.directories) found.set(path, { mode });
  return [...found].map(([path, directory]) => ({ path: `/${path}`, ...directory }));
}

/** Numbers, because orchestrators that refuse root cannot look a name up. */
function userOf(image: ImageFile, { accounts, owners }: ImageState): string | undefined {
  if (image.user === undefined) return undefined;
  const uid = typeof image.user === "number" ? image.user : owners.uid(image.user);
  return `${uid}:${accounts.primaryGids.get(uid) ?? uid}`;
}
