import { availableParallelism } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { CleanroomError, type Sha256 } from "@cleanroom/core";
import type { DescriptionPlace } from "./descriptions.ts";
import type { FileToIdentify, Identification } from "./identify.ts";
import type { ChunkMetadata, PackageToDescribe } from "./pack-chunk.ts";
import { type Answer, Answerer, type Question } from "./question.ts";

const threadsMax = 4;

/**
 * Reads packages, each once: on this thread when they are few, on several when they are many, for these
 * take as long to start as it takes to read some hundreds.
 */
export class PackageReader {
  readonly #folder: string;
  readonly #worthThreads: number;
  readonly #threads: ReadingThread[] = [];
  readonly #here: Answerer;
  /** Where packages that were read are described, by their digests. */
  readonly #places = new Map<Sha256, DescriptionPlace>();

  /**
   * @param folder for the descriptions of what it reads
   * @param worthThreads from how many packages on other threads are used
   */
  constructor(folder: string, worthThreads = 500) {
    this.#folder = folder;
    this.#worthThreads = worthThreads;
    this.#here = new Answerer(path.join(folder, "here"));
  }

  /** Gets ready to read so many packages. */
  expect(count: number): void {
    if (count < this.#worthThreads) return;
    const threadCount = Math.min(threadsMax, availableParallelism());
    for (let index = this.#threads.length; index < threadCount; index++) {
      this.#threads.push(new ReadingThread(path.join(this.#folder, String(index))));
    }
  }

  /** What files turn out to be, in their order. */
  async identify(files: readonly FileToIdentify[]): Promise<readonly Identification[]> {
    const answer = await this.#ask({ identify: files });
    if (!("read" in answer)) throw new TypeError("another answer than was asked for");
    for (const [index, { place }] of answer.read.entries()) {
      const sha256 = files[index]?.sha256;
      if (place !== undefined && sha256 !== undefined) this.#places.set(sha256, place);
    }
    return answer.read.map(({ identification }) => identification);
  }

  /** @throws CleanroomError `package-unreadable` */
  async pack(packages: readonly PackageToDescribe[]): Promise<ChunkMetadata> {
    const answer = await this.#ask({
      pack: packages.map((one) => ({ ...one, place: this.#places.get(one.sha256) })),
    });
    if ("packed" in answer) return answer.packed;
    throw new TypeError("another answer than was asked for");
  }

  async close(): Promise<void> {
    this.#here.close();
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  async #ask(question: Question): Promise<Answer> {
    const [idlest] = this.#threads.toSorted((a, b) => a.waiting - b.waiting);
    const answer = await (idlest ?? this.#here).answer(question);
    if (!("failure" in answer)) return answer;
    throw new CleanroomError("package-unreadable", answer.failure, {
      place: { step: "describe the packages" },
      hint: "build or fetch them again",
    });
  }
}

/** A thread that answers questions in the order in which they come. */
class ReadingThread {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<Answer>[] = [];

  /** @param file for the descriptions of what it reads */
  constructor(file: string) {
    this.#worker = new Worker(new URL("reading-thread.ts", import.meta.url), {
      workerData: file,
    });
    this.#worker.on("message", (answer: Answer) => this.#asked.shift()?.resolve(answer));
    this.#worker.on("error", (error) => {
      for (const one of this.#asked.splice(0)) one.reject(error);
    });
  }

  get waiting(): number {
    return this.#asked.length;
  }

  answer(question: Question): Promise<Answer> {
    const asked = Promise.withResolvers<Answer>();
    this.#asked.push(asked);
    // A thread's, not a window's.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#worker.postMessage(question);
    return asked.promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
