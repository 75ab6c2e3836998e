import { availableParallelism } from "node:os";
import { type Learnt, programMemory } from "@cleanroom/core";
import {
  PackageFolderReader,
  type ReadPackage,
  type SpecFile,
  specFiles,
  type StackOptions,
} from "./read-package.ts";

const threadsMax = 4;

/** How many specs a thread takes at once. */
const batchSize = 20;

/** What threads share: specs, of which each thread takes the next ones until none is left. */
export interface SharedReading {
  readonly workspace: string;
  readonly options: StackOptions;
  readonly files: readonly SpecFile[];
  /** Its one number is that of the next file; the memory is shared. */
  readonly next: Int32Array;
}

export function sharedReading(
  workspace: string,
  options: StackOptions,
  files: readonly SpecFile[],
): SharedReading {
  const next = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  return { workspace, options, files, next };
}

/**
 * Reads all packages of a workspace, in the order of their names. Many specs that were never evaluated
 * are divided among threads, which comes to the same: what the others work out is remembered before
 * this one comes to it, and it comes to everything in order. So the first error is always the same.
 *
 * @param worthThreads how many specs take as long as to start threads, which then have as many to do
 * @throws {CleanroomError} as `PackageFolderReader.read`
 */
export async function readPackages(
  workspace: string,
  options: StackOptions,
  worthThreads = 100,
): Promise<readonly ReadPackage[]> {
  const files = specFiles(workspace);
  const reader = new PackageFolderReader(workspace, options);
  const ahead = new Map<SpecFile, ReadPackage>();
  const read: ReadPackage[] = [];
  let isAlone = true;
  for (const [index, file] of files.entries()) {
    // Where most are remembered, threads would find nothing to do.
    const isSlow = reader.evaluatedCount >= Math.max(worthThreads, index / 2);
    if (isAlone && isSlow && files.length - index >= worthThreads) {
      isAlone = false;
      await readAhead(sharedReading(workspace, options, files.slice(index)), reader, ahead);
    }
    read.push(ahead.get(file) ?? (await reader.read(file)));
  }
  return read;
}

async function readAhead(
  reading: SharedReading,
  reader: PackageFolderReader,
  ahead: Map<SpecFile, ReadPackage>,
): Promise<void> {
  const others = Math.min(threadsMax, availableParallelism()) - 1;
  const threads = Array.from({ length: others }, () => readInThread(reading));
  const own = readShare(reading, reader, (file, read) => ahead.set(file, read));
  await Promise.all([own, ...threads]);
}

/** Starts a thread for a share of the reading; what it worked out is remembered when it has ended. */
export async function readInThread(reading: SharedReading): Promise<void> {
  // Loaded here: few runs start threads, and every start would pay for it.
  const { Worker } = await import("node:worker_threads");
  const thread = new Worker(new URL("reading-thread.ts", import.meta.url), { workerData: reading });
  thread.on("message", (learnt: readonly Learnt[]) => {
    for (const one of learnt) programMemory.learn(one);
  });
  const ended = Promise.withResolvers<void>();
  thread.once("error", ended.reject);
  thread.once("exit", () => ended.resolve());
  await ended.promise;
}

/**
 * Reads what is not taken by another thread. After an error nobody takes more: whoever reads in order
 * comes to it.
 */
export async function readShare(
  { files, next }: SharedReading,
  reader: PackageFolderReader,
  use: (file: SpecFile, read: ReadPackage) => void,
): Promise<void> {
  for (;;) {
    const start = Atomics.add(next, 0, batchSize);
    if (start >= files.length) return;
    for (const file of files.slice(start, start + batchSize)) {
      try {
        use(file, await reader.read(file));
      } catch {
        Atomics.store(next, 0, files.length);
        return;
      }
    }
  }
}
