import { constants, readFileSync, statSync } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import {
  actionLabel,
  type ActionResult,
  actionResultText,
  parseActionResult,
} from "./action-result.ts";
import { mapConcurrent } from "./concurrent.ts";
import { type Sha256, isSha256, sha256File } from "./digest.ts";
import { CleanroomError } from "./error.ts";
import {
  isMissingFile,
  pathExists,
  removeAbandoned,
  removeFolder,
  sizeOf,
  uniqueName,
  writeFileAtomic,
} from "./files.ts";
import type { Logger } from "./log.ts";
import { filePieces, writePieces } from "./pieces.ts";
import type { RemoteStore } from "./remote/remote-store.ts";
import { start } from "./run.ts";

/** The store's folder when nobody names one: `cleanroom` under the user's cache folder. */
export function defaultStoreFolder(env: Readonly<Record<string, string | undefined>>): string {
  const named = env["CLEANROOM_STORE"];
  if (named !== undefined && named !== "") return path.resolve(named);
  const cache = env["XDG_CACHE_HOME"];
  return path.join(
    cache !== undefined && path.isAbsolute(cache) ? cache : path.join(homedir(), ".cache"),
    "cleanroom",
  );
}

/** Folders that are made again when they are missed. */
const derivedFolders = ["roots", "layers", "ccache", "dev"] as const;

/** How many blobs a process remembers to have verified. */
const verifiedMax = 4096;

const writtenFolders = ["cas", "ac", ...derivedFolders, "sources", "repos", "tmp", "locks"];

/**
 * Everything that lives long: blobs by SHA-256 (`cas/`), action results by action key (`ac/`),
 * and folders made from them (`roots/`, `sources/`, `repos/`, `keys/`).
 *
 * Everything enters by write-to-temporary, fsync and rename, and is verified when it is read, once by each
 * process: a damaged blob is reported, moved to `damaged/` and counts as absent. Any number of processes
 * may share one store.
 */
export class Store {
  readonly folder: string;
  readonly #logger: Logger;
  readonly #remote: RemoteStore | undefined;

  /** Blobs that this process has put or verified, and the files that they were then. */
  readonly #verified = new Map<Sha256, string | undefined>();

  private constructor(folder: string, logger: Logger, remote: RemoteStore | undefined) {
    this.folder = folder;
    this.#logger = logger;
    this.#remote = remote;
  }

  /** @param openRemote where shared action results are looked for, and written */
  static async open(
    folder: string,
    logger: Logger,
    openRemote?: (folder: string) => Promise<RemoteStore>,
  ): Promise<Store> {
    const absolute = path.resolve(folder);
    try {
      for (const name of writtenFolders) {
        await mkdir(path.join(absolute, name), { recursive: true });
      }
      await mkdir(path.join(absolute, "keys"), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new CleanroomError("store-unusable", `the store ${folder} cannot be written`, {
        cause: error,
        exitCode: 2,
        hint: "name another one with --store DIR or CLEANROOM_STORE",
      });
    }
    const store = new Store(absolute, logger, await openRemote?.(absolute));
    await store.removeAbandoned();
    return store;
  }

  /** A path inside the store. */
  path(...names: readonly string[]): string {
    return path.join(this.folder, ...names);
  }

  /**
   * Where the blob of this digest lies, or would lie. Unverified, for who looks at the bytes anyway:
   * see {@link blob}.
   */
  blobPath(sha256: Sha256): string {
    if (!isSha256(sha256)) throw new TypeError(`not a SHA-256 digest: ${String(sha256)}`);
    // Not joined part by part: it is asked for as often as there are packages.
    return `${this.folder}/cas/${sha256.slice(0, 2)}/${sha256}`;
  }

  /** A new temporary folder inside the store, on the same file system as all it will become. */
  async temporaryFolder(purpose: string): Promise<string> {
    const folder = this.path("tmp", uniqueName(purpose));
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Runs `work` with a temporary folder that is gone afterwards. */
  async withTemporaryFolder<Result>(
    purpose: string,
    work: (folder: string) => Promise<Result>,
  ): Promise<Result> {
    const folder = await this.temporaryFolder(purpose);
    try {
      return await work(folder);
    } finally {
      await removeFolder(folder);
    }
  }

  /**
   * Removes what killed processes left, as {@link removeAbandoned}.
   *
   * @returns how many files and folders were removed
   */
  async removeAbandoned(): Promise<number> {
    return removeAbandoned(this.path("tmp"));
  }

  /**
   * Removes roots, unpacked packages, compiler caches and folders of development builds that
   * nothing has used for a while; what needs one makes it again.
   *
   * @returns how many were removed
   */
  async removeUnused(olderThanMs: number): Promise<number> {
    let removed = 0;
    const folders = await Promise.all(
      derivedFolders.map(async (kind) =>
        (await readdir(this.path(kind))).map((name) => this.path(kind, name)),
      ),
    );
    for (const folder of folders.flat()) {
      const ageMs = await ageOf(folder);
      if (ageMs === undefined || ageMs < olderThanMs) continue;
      // Moved away first: a root is there whole or not at all.
      const aside = this.path("tmp", uniqueName("unused"));
      await rename(folder, aside);
      await removeFolder(aside);
      removed += 1;
    }
    return removed;
  }

  /** Reads every blob; damaged ones are set aside. */
  async verifyBlobs(): Promise<{ good: number; damaged: number }> {
    let good = 0;
    let damaged = 0;
    for (const prefix of await readdir(this.path("cas"))) {
      for (const name of await readdir(this.path("cas", prefix))) {
        if ((await this.blob(name)) === undefined) damaged += 1;
        else good += 1;
      }
    }
    return { good, damaged };
  }

  /** Takes a file's bytes in; the file itself stays. */
  async putFile(file: string): Promise<{ sha256: Sha256; size: number }> {
    return this.#take(filePieces(file), async (temporary, blob) => {
      await this.#adopt(temporary, blob.sha256);
      return blob;
    });
  }

  /**
   * Takes a file in by renaming it: one of ours, on the store's own file system, that nobody writes.
   *
   * @param written its digest, where whoever wrote it has it over the bytes as they were written
   */
  async takeFile(file: string, written?: Sha256): Promise<{ sha256: Sha256; size: number }> {
    const handle = await open(file, "r");
    try {
      await handle.sync();
      const { size } = await handle.stat();
      const sha256 = written ?? (await sha256File(file));
      await this.#adopt(file, sha256);
      return { sha256, size };
    } finally {
      await handle.close();
    }
  }

  async put(data: string | Uint8Array): Promise<{ sha256: Sha256; size: number }> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    return this.#take(Readable.from([bytes]), async (temporary, blob) => {
      await this.#adopt(temporary, blob.sha256);
      return blob;
    });
  }

  /** Writes bytes to a temporary file, and hands it to `use` with what it turned out to hold. */
  async #take<Result>(
    pieces: AsyncIterable<Uint8Array>,
    use: (temporary: string, blob: { sha256: Sha256; size: number }) => Promise<Result>,
  ): Promise<Result> {
    const temporary = this.path("tmp", uniqueName("blob"));
    try {
      return await use(temporary, await writePieces(temporary, pieces));
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #adopt(temporary: string, sha256: Sha256): Promise<void> {
    const blob = this.blobPath(sha256);
    await mkdir(path.dirname(blob), { recursive: true });
    const handle = await open(temporary, "r");
    try {
      // Blobs are shared by hard links: nobody may write one.
      await handle.chmod(0o444);
    } finally {
      await handle.close();
    }
    await rename(temporary, blob);
    this.#noteVerified(sha256, identityOf(blob));
  }

  #noteVerified(sha256: Sha256, identity: string | undefined): void {
    // Tens of thousands pass through one publishing; those asked for again are few and near.
    if (this.#verified.size >= verifiedMax) this.#verified.clear();
    this.#verified.set(sha256, identity);
  }

  /**
   * The path of a blob whose bytes this process has verified, and that is the same file since; undefined
   * when absent or damaged.
   */
  async blob(sha256: Sha256): Promise<string | undefined> {
    const file = this.blobPath(sha256);
    const identity = identityOf(file);
    if (identity === undefined) return undefined;
    if (this.#verified.get(sha256) === identity) return file;
    let actual: Sha256;
    try {
      actual = await sha256File(file);
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw error;
    }
    if (actual === sha256) {
      this.#noteVerified(sha256, identity);
      return file;
    }
    const aside = await this.setAside(file);
    this.#logger.warning(
      `the store held a damaged blob ${sha256} (its bytes have digest ${actual}): moved to ${aside}, it will be made again`,
    );
    return undefined;
  }

  /**
   * Moves a damaged file or folder of the store out of everybody's way.
   *
   * @returns where it is now
   */
  async setAside(damaged: string): Promise<string> {
    const aside = this.path("damaged", uniqueName(path.basename(damaged)));
    await mkdir(path.dirname(aside), { recursive: true });
    await rename(damaged, aside);
    return aside;
  }

  /** Whether a blob of this digest and size is there; its bytes are not read. */
  async hasBlob(sha256: Sha256, size: number): Promise<boolean> {
    return sizeOf(this.blobPath(sha256)) === size;
  }

  /**
   * Puts a verified blob at `target`: as a hard link where the file system allows, else as a copy.
   *
   * @param options.verify false for readers that check what they read themselves
   * @throws {CleanroomError} `blob-missing`
   */
  async materialize(
    sha256: Sha256,
    target: string,
    { verify = true }: { readonly verify?: boolean } = {},
  ): Promise<void> {
    const blob = verify ? await this.blob(sha256) : this.blobPath(sha256);
    if (blob === undefined || !(verify || (await pathExists(blob)))) {
      throw new CleanroomError("blob-missing", `the store lacks the blob ${sha256}`, {
        place: { file: target },
        hint: "run the command again: it will be made or fetched anew",
      });
    }
    await mkdir(path.dirname(target), { recursive: true });
    try {
      await link(blob, target);
    } catch (error) {
      if (!["EXDEV", "EMLINK", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) {
        throw error;
      }
      await copyFile(blob, target, constants.COPYFILE_FICLONE);
    }
  }

  /**
   * Records what an action made. Its outputs must be in the store already.
   *
   * @param options.shared other machines can use it: it goes to the remote store too
   */
  async putAction(
    key: Sha256,
    result: ActionResult,
    { shared = false }: { readonly shared?: boolean } = {},
  ): Promise<void> {
    await writeFileAtomic(this.#actionPath(key), actionResultText(result));
    if (shared) await this.#remote?.push(key, result, (sha256) => this.blob(sha256));
  }

  /**
   * What an action made before; undefined when it is unknown, when its record is damaged, or
   * when an output is no longer there.
   *
   * @param options.shared what is not here is looked for in the remote store
   */
  async action(
    key: Sha256,
    { shared = false }: { readonly shared?: boolean } = {},
  ): Promise<ActionResult | undefined> {
    const own = await this.#ownAction(key);
    if (own !== undefined && (await this.#missingOutputs(own)).length === 0) {
      if (shared) await this.#remote?.pushKnown(key, own, (sha256) => this.blob(sha256));
      return own;
    }
    if (!shared || this.#remote === undefined) return undefined;
    return this.#remoteAction(this.#remote, key, own);
  }

  #actionPath(key: Sha256): string {
    return this.path("ac", key.slice(0, 2), key);
  }

  async #ownAction(key: Sha256): Promise<ActionResult | undefined> {
    let text: string;
    try {
      // Small files: a thread of their own would cost more than reading them.
      text = readFileSync(this.#actionPath(key), "utf8");
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw error;
    }
    const result = parseActionResult(text);
    if (result === undefined) {
      this.#logger.warning(`the store held a damaged action result ${key}: it will be made again`);
    }
    return result;
  }

  async #missingOutputs({ outputs }: ActionResult): Promise<ActionResult["outputs"]> {
    const there = await Promise.all(outputs.map(({ sha256, size }) => this.hasBlob(sha256, size)));
    return outputs.filter((_, index) => there[index] === false);
  }

  /** Brings what an action made from the remote store; blobs alone where the record is here. */
  async #remoteAction(
    remote: RemoteStore,
    key: Sha256,
    own: ActionResult | undefined,
  ): Promise<ActionResult | undefined> {
    const result = own ?? (await remote.result(key));
    if (result === undefined) return undefined;
    const missing = await this.#missingOutputs(result);
    const came = await mapConcurrent(missing, 4, (output) =>
      remote.blob(key, output, (pieces) =>
        this.#take(pieces, async (temporary, { sha256 }) => {
          if (sha256 !== output.sha256) return false;
          await this.#adopt(temporary, sha256);
          return true;
        }),
      ),
    );
    if (came.includes(false)) return undefined;
    if (own === undefined) await this.putAction(key, result);
    const megabytes = missing.reduce((sum, { size }) => sum + size, 0) / 1e6;
    const what = actionLabel(key, result);
    this.#logger.info(`${what}: fetched from ${remote.name} (${megabytes.toFixed(1)} MB)`);
    return result;
  }

  /**
   * Runs `work` while holding a lock that the kernel releases when this process ends, however it
   * ends: flock(1) holds it, and ends with our end of its standard input.
   */
  async withLock<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const file = this.path("locks", name.replaceAll(/[^\w.-]/g, "_"));
    const holder = start("flock", [file, "sh", "-c", "echo locked; exec cat"], {
      step: `lock ${name}`,
    });
    await holder.firstOutput;
    try {
      return await work();
    } finally {
      holder.endInput();
      await holder.ended;
    }
  }
}

/** What tells that a file is the one that it was, and was not written since; undefined where there is none. */
function identityOf(file: string): string | undefined {
  const entry = statSync(file, { throwIfNoEntry: false });
  return entry === undefined ? undefined : `${entry.ino} ${entry.size} ${entry.mtimeMs}`;
}

/** Time since a path changed; undefined when it went away meanwhile, as other processes' do. */
async function ageOf(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}
