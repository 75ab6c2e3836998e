import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, type Mount, runInSandbox, type Sha256, type Store } from "@cleanroom/core";
import { type Compression, packLevel } from "./compression.ts";
import type { ImageContext } from "../context.ts";
import type { KeptPiece, Piece, PieceEntry } from "./pieces.ts";
import { tarHeader } from "./tar-writer.ts";

const packer = new URL("pack_layers.py", import.meta.url);

/**
 * Start and end among the heads; then, of a file: where the packer sees it, its path in the image, size,
 * algorithm and digest.
 */
type PackedEntry = readonly [
  start: number,
  end: number,
  source: string | null,
  path: string | null,
  sizeBytes: number | null,
  algorithm: string | null,
  digest: string | null,
];

interface PackedPart {
  readonly entries: readonly PackedEntry[];
  /** The part is to be remembered as this piece. */
  readonly piece?: Sha256;
  /** The part lies packed in a layer already. */
  readonly kept?: Omit<KeptPiece, "buildPaths" | "sizeBytes"> & { readonly size: number };
}

/** What the packer says of a layer. */
export interface PackedLayer {
  readonly sha256: Sha256;
  readonly diffId: Sha256;
  readonly pieces: readonly {
    readonly piece: Sha256;
    readonly offset: number;
    readonly size: number;
    readonly buildPaths: readonly string[];
  }[];
}

/**
 * What the packer (`pack_layers.py`) is told: for each layer its parts; literal bytes are kept
 * aside, in one file.
 */
export class PackJob {
  readonly #layers: { readonly output: string; readonly parts: readonly PackedPart[] }[] = [];
  readonly #heads: Uint8Array[] = [];
  /** Layers that pieces are copied from: whether they are whole. */
  readonly #blobs = new Map<Sha256, Promise<boolean>>();
  readonly #store: Store;
  readonly #folders: readonly string[];
  #headBytes = 0;

  /** @param folders host folders that files are read from */
  constructor(store: Store, folders: readonly string[]) {
    this.#store = store;
    this.#folders = folders;
  }

  /**
   * A layer of literal bytes, pieces, and literal bytes again.
   *
   * @param output name of the packed layer's file
   */
  async add(
    output: string,
    head: Uint8Array,
    pieces: readonly Piece[],
    tail: Uint8Array,
  ): Promise<void> {
    const parts: PackedPart[] = head.length === 0 ? [] : [{ entries: [this.#literal(head)] }];
    for (const piece of pieces) parts.push(await this.#piece(piece));
    parts.push({ entries: [this.#literal(tail)] });
    this.#layers.push({ output, parts });
  }

  /** A layer that is there as an archive on the host. */
  addArchive(output: string, archive: string, sizeBytes: number, sha256: Sha256): void {
    const source = this.#source(archive);
    const entries = [[0, 0, source, output, sizeBytes, "sha256", sha256] as const];
    this.#layers.push({ output, parts: [{ entries }] });
  }

  /**
   * Packs all layers, with the pinned tools.
   *
   * @param folder where the packed layers go
   * @returns in the order they were added
   * @throws {CleanroomError} `package-file-changed`, `packages-damaged`
   */
  async run(
    { tools, compressor }: ImageContext,
    folder: string,
    compression: Compression,
  ): Promise<readonly PackedLayer[]> {
    const blobs = path.join(folder, "blobs");
    await mkdir(blobs);
    const sources = this.#layers.flatMap(({ parts }) =>
      parts.flatMap(({ kept }) => kept?.blob ?? []),
    );
    for (const blob of new Set(sources)) {
      // It was verified when its piece was added.
      await this.#store.materialize(blob, path.join(blobs, blob), { verify: false });
    }
    await writeFile(path.join(folder, "heads"), Buffer.concat(this.#heads));
    const library =
      compression === "gzip" && compressor !== undefined
        ? await libraryMount(compressor.root)
        : undefined;
    const program = compression === "zstd" ? "zstd" : library === undefined ? "zlib" : "libdeflate";
    const { stdout } = await runInSandbox(
      {
        root: tools.root,
        mounts: [
          { source: folder, target: "/job", writable: true },
          ...this.#folders.map((source, index) => ({ source, target: packedFolder(index) })),
          { source: blobs, target: "/blobs" },
          ...(library === undefined ? [] : [library]),
        ],
      },
      ["python3", "-c", await readFile(packer, "utf8")],
      {
        step: "pack layers",
        input: JSON.stringify({
          ...{ packer: program, level: packLevel[compression], layers: this.#layers },
        }),
      },
    );
    const answer = JSON.parse(stdout) as
      | { readonly layers: readonly PackedLayer[] }
      | { readonly changed: string; readonly source: string };
    if ("layers" in answer) return answer.layers;
    const damaged = unpackedPackageOf(this.#store, this.#hostPath(answer.source));
    if (damaged !== undefined) {
      await this.#store.setAside(damaged);
      throw new CleanroomError(
        "packages-damaged",
        `the store held a damaged file of an unpacked package: /${answer.changed}`,
        {
          place: { step: "pack layers" },
          hint: "run the command again: the package was set aside and is unpacked anew; if it happens again, the disk may be failing",
        },
      );
    }
    throw new CleanroomError(
      "package-file-changed",
      `/${answer.changed} is not as its package has it, though its size and time are`,
      {
        place: { step: "pack layers" },
        hint: "a scriptlet changed it and hid that: find out which, and leave the package out",
      },
    );
  }

  async #piece({ key, entries, kept }: Piece): Promise<PackedPart> {
    const packed = entries().map((one) => this.#entry(one));
    // Reading verifies: what is damaged is made anew.
    if (kept === undefined || !(await this.#isWhole(kept.blob))) {
      return { piece: key, entries: packed };
    }
    const { blob, offset, sizeBytes } = kept;
    return { kept: { blob, offset, size: sizeBytes }, entries: packed };
  }

  async #isWhole(blob: Sha256): Promise<boolean> {
    const known =
      this.#blobs.get(blob) ?? this.#store.blob(blob).then((file) => file !== undefined);
    this.#blobs.set(blob, known);
    return known;
  }

  #literal(bytes: Uint8Array): PackedEntry {
    const start = this.#headBytes;
    this.#heads.push(bytes);
    this.#headBytes += bytes.length;
    return [start, this.#headBytes, null, null, null, null, null];
  }

  #entry({ entry, content }: PieceEntry): PackedEntry {
    const [start, end] = this.#literal(tarHeader(entry));
    if (content === undefined) return [start, end, null, null, null, null, null];
    const { path, hostPath, sizeBytes, algorithm, digest } = content;
    return [start, end, this.#source(hostPath), path, sizeBytes, algorithm, digest];
  }

  #hostPath(source: string): string {
    const [, index = "", inside = ""] = /^\/files\/(\d+)(.*)$/.exec(source) ?? [];
    return `${this.#folders[Number(index)] ?? ""}${inside}`;
  }

  /** Where the packer sees a file of the host. */
  #source(hostPath: string): string {
    const index = this.#folders.findIndex((folder) => hostPath.startsWith(`${folder}/`));
    if (index < 0) throw new Error(`${hostPath} is in none of the folders to pack from`);
    return packedFolder(index) + hostPath.slice(this.#folders[index]?.length);
  }
}

/** The folder of the store's unpacked package that holds a file. */
function unpackedPackageOf(store: Store, file: string): string | undefined {
  const [name = ""] = path.relative(store.path("layers"), file).split(path.sep);
  return name === ".." ? undefined : store.path("layers", name);
}

/** Where the packer sees a folder that files are read from. */
function packedFolder(index: number): string {
  return `/files/${index}`;
}

/** libdeflate, from the root of its Debian package. */
async function libraryMount(root: string): Promise<Mount> {
  const libraries = path.join(root, "usr/lib");
  const triplet = (await readdir(libraries)).find((name) => name.endsWith("-linux-gnu"));
  const source = path.join(libraries, triplet ?? "", "libdeflate.so.0");
  return { source, target: "/libdeflate.so" };
}
