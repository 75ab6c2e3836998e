import { type Sha256 } from "../digest.ts";
import { messageOf } from "../error.ts";
import type { Logger } from "../log.ts";
import { actionLabel, type ActionResult } from "../action-result.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { type HttpCache, HttpFailure } from "./http-cache.ts";
import {
  believeResult,
  longestSignedResult,
  signResult,
  UnbelievedResult,
} from "./signed-result.ts";
import type { PublicKeyText, ResultKey } from "./signing-key.ts";

export interface RemoteStoreOptions {
  readonly cache: HttpCache;
  /** Keys whose results are believed. */
  readonly trusted: ReadonlySet<PublicKeyText>;
  /** Signs what is written there; without it nothing is. */
  readonly signer?: ResultKey | undefined;
  /** Whether results that this store had already are written there too. */
  readonly pushesKnown?: boolean;
  readonly logger: Logger;
}

/** Bytes of a blob that came, and whether they are the right ones. */
export type BlobReceiver = (pieces: AsyncIterable<Uint8Array>) => Promise<boolean>;

/**
 * A store that machines share, over plain HTTP: `cas/` and `ac/`, the layout of Bazel's HTTP caches.
 * Blobs are believed by their digest, action results by a signature. Whatever the server does, it
 * can cost time, and never a build: each method says that there is nothing, or does nothing, and
 * tells the user why.
 */
export class RemoteStore {
  readonly #options: RemoteStoreOptions;
  readonly #reading = new CircuitBreaker();
  readonly #writing = new CircuitBreaker();
  /** Actions that it has no usable result of: asked once. */
  readonly #absent = new Set<Sha256>();
  /** Blobs that came wrong from there. */
  readonly #wrong = new Set<Sha256>();
  readonly #strangers = new Set<string>();

  constructor(options: RemoteStoreOptions) {
    this.#options = options;
  }

  /** Its address, for messages. */
  get name(): string {
    return this.#options.cache.name;
  }

  /** What an action made on a machine that is trusted; undefined when that is not known. */
  async result(key: Sha256): Promise<ActionResult | undefined> {
    if (this.#absent.has(key)) return undefined;
    const found = await this.#read(async () => {
      const { cache, trusted } = this.#options;
      const text = await cache.get(`ac/${key}`, longestSignedResult, textOf);
      return text === undefined ? undefined : believeResult(text, key, trusted);
    });
    if (found === undefined) this.#absent.add(key);
    return found;
  }

  /**
   * Brings a blob of an action's result.
   *
   * @param receive keeps the bytes if they are right
   * @returns whether they were
   */
  async blob(
    key: Sha256,
    { sha256, size }: { readonly sha256: Sha256; readonly size: number },
    receive: BlobReceiver,
  ): Promise<boolean> {
    const location = `cas/${sha256}`;
    const isRight = await this.#read(async () => {
      const received = await this.#options.cache.get(location, size, receive);
      if (received === false) throw new HttpFailure(`${this.name}/${location} has other bytes`);
      if (received === undefined) throw new HttpFailure(`${this.name}/${location} is not there`);
      return received;
    });
    if (isRight === true) return true;
    this.#absent.add(key);
    this.#wrong.add(sha256);
    return false;
  }

  /**
   * Writes an action's result there, the blobs first; unless it has one already that is believed.
   *
   * @param fileOf the verified file of a blob
   */
  async push(
    key: Sha256,
    result: ActionResult,
    fileOf: (sha256: Sha256) => Promise<string | undefined>,
  ): Promise<void> {
    const { cache, signer, logger } = this.#options;
    if (signer === undefined || this.#writing.isOpen) return;
    if ((await this.result(key)) !== undefined) return;
    try {
      let bytes = 0;
      for (const { sha256, size } of result.outputs) {
        const location = `cas/${sha256}`;
        if (!this.#wrong.has(sha256) && (await cache.size(location)) === size) continue;
        const file = await fileOf(sha256);
        if (file === undefined) return;
        await cache.put(location, { file });
        bytes += size;
      }
      await cache.put(`ac/${key}`, { text: signResult(key, result, signer) });
      this.#writing.succeeded();
      const what = actionLabel(key, result);
      logger.info(`${what}: written to ${this.name} (${(bytes / 1e6).toFixed(1)} MB)`);
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      this.#report(this.#writing, error, "nothing is written there");
    }
  }

  /** As {@link push}, of a result that was in this store before, when these are wanted too. */
  async pushKnown(...args: Parameters<RemoteStore["push"]>): Promise<void> {
    if (this.#options.pushesKnown === true) await this.push(...args);
  }

  /** Asks for something that is never there, to learn whether the server answers. */
  async probe(): Promise<string | undefined> {
    try {
      await this.#options.cache.size(`ac/${"0".repeat(64)}`);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #read<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#reading.isOpen) return undefined;
    try {
      const result = await work();
      this.#reading.succeeded();
      return result;
    } catch (error) {
      if (error instanceof UnbelievedResult && error.strangers.length > 0) {
        this.#reportStrangers(error.strangers);
      } else if (error instanceof UnbelievedResult || error instanceof HttpFailure) {
        this.#report(this.#reading, error, "nothing is asked of it");
      } else throw error;
      return undefined;
    }
  }

  #report(breaker: CircuitBreaker, error: Error, consequence: string): void {
    const { logger } = this.#options;
    const message =
      error instanceof UnbelievedResult
        ? `an action result of ${this.name} ${error.message}`
        : error.message;
    const pauseMs = breaker.failed(error instanceof HttpFailure && error.isFinal);
    const rest =
      pauseMs === undefined ? "" : `; ${consequence} for ${Math.round(pauseMs / 1000)} s`;
    logger.warning(`remote store: ${message}${rest}`);
  }

  /** A stranger's results are no fault of the server. */
  #reportStrangers(strangers: readonly string[]): void {
    for (const stranger of strangers.filter((one) => !this.#strangers.has(one))) {
      // A server can make up as many as it likes.
      if (this.#strangers.size >= 5) return;
      this.#strangers.add(stranger);
      this.#options.logger.warning(
        `remote store: results of ${this.name} that ${stranger} signed are not used, because that key is not trusted`,
      );
    }
  }
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}
