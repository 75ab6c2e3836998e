import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { CleanroomError } from "@cleanroom/core";
import type { FileToIdentify, Identification } from "./identify.ts";
import type { PackageToDescribe, PackedChunk } from "./pack-chunk.ts";
import { type Answer, answerQuestion, type Question } from "./question.ts";

const threadsMax = 4;

/** How many packages a thread is given at once. */
const batchSize = 100;

/** Room for what some packages take: with less, collecting it takes a tenth of a thread's time. */
const youngGenerationMb = 32;

/**
 * Reads packages: on this thread when they are few, on several when they are many, for these take as
 * long to start as it takes to read some hundreds.
 */
export class PackageReader {
  readonly #threads: ReadingThread[] = [];
  readonly #worthThreads: number;

  /** @param worthThreads from how many packages on other threads are used */
  constructor(worthThreads = 500) {
    this.#worthThreads = worthThreads;
  }

  async identify(files: readonly FileToIdentify[]): Promise<readonly Identification[]> {
    if (files.length >= this.#worthThreads) this.#startThreads();
    const batches: FileToIdentify[][] = [];
    for (let start = 0; start < files.length; start += batchSize) {
      batches.push(files.slice(start, start + batchSize));
    }
    const answers = await Promise.all(batches.map((batch) => this.#ask({ identify: batch })));
    return answers.flatMap((answer) => ("identified" in answer ? answer.identified : []));
  }

  /** @throws CleanroomError `package-unreadable` */
  async pack(packages: readonly PackageToDescribe[]): Promise<PackedChunk> {
    const answer = await this.#ask({ pack: packages });
    if ("packed" in answer) return answer.packed;
    throw new TypeError("another answer than was asked for");
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #startThreads(): void {
    const missing = Math.min(threadsMax, availableParallelism()) - this.#threads.length;
    for (let count = 0; count < missing; count++) this.#threads.push(new ReadingThread());
  }

  async #ask(question: Question): Promise<Answer> {
    const [idlest] = this.#threads.toSorted((a, b) => a.waiting - b.waiting);
    const answer = idlest === undefined ? answerQuestion(question) : await idlest.ask(question);
    if (!("failure" in answer)) return answer;
    throw new CleanroomError("package-unreadable", answer.failure, {
      place: { step: "describe the packages" },
      hint: "build or fetch them again",
    });
  }
}

/** A thread that answers questions in the order in which they come. */
class ReadingThread {
  readonly #worker = new Worker(new URL("reading-thread.ts", import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
  readonly #asked: PromiseWithResolvers<Answer>[] = [];

  constructor() {
    this.#worker.on("message", (answer: Answer) => this.#asked.shift()?.resolve(answer));
    this.#worker.on("error", (error) => {
      for (const one of this.#asked.splice(0)) one.reject(error);
    });
  }

  get waiting(): number {
    return this.#asked.length;
  }

  ask(question: Question): Promise<Answer> {
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
