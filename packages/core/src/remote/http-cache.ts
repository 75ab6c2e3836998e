import { openAsBlob } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** How long a server may take. */
export interface HttpLimits {
  /** Requests made where one fails that may do better. */
  readonly attempts: number;
  /** Time before the second request; each next pause is four times as long. */
  readonly retryAfterMs: number;
  /** Until the answer begins. */
  readonly answerMs: number;
  /** Between two pieces of it. */
  readonly stallMs: number;
  /** What a transfer must come to on the whole. */
  readonly bytesPerSecond: number;
}

export const usualLimits: HttpLimits = {
  attempts: 3,
  retryAfterMs: 250,
  answerMs: 10_000,
  stallMs: 10_000,
  bytesPerSecond: 64 * 1024,
};

/** A request that came to nothing, by the server's or the network's fault. */
export class HttpFailure extends Error {
  /** Whether asking again at once may help. */
  readonly mayPass: boolean;
  /** Whether other requests would fare no better. */
  readonly isFinal: boolean;

  constructor(message: string, { mayPass = false, isFinal = false } = {}) {
    super(message);
    this.name = "HttpFailure";
    this.mayPass = mayPass;
    this.isFinal = isFinal;
  }
}

/** Statuses by which a server says that it will not do this, whatever is asked. */
const refusals = new Set([401, 403, 405, 501, 507]);

/**
 * A plain HTTP cache: GET, HEAD and PUT of files by name, as WebDAV servers and Bazel's HTTP caches
 * have them. Nothing that comes from it is trusted here; all that is promised is an end to waiting.
 */
export class HttpCache {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #limits: HttpLimits;

  constructor(url: URL, token: string | undefined, limits: HttpLimits = usualLimits) {
    const { username, password } = url;
    const bare = new URL(url);
    bare.username = "";
    bare.password = "";
    bare.hash = "";
    this.#url = bare.href.replace(/\/$/, "");
    const basic = [username, password].map(decodeURIComponent).join(":");
    const authorization =
      token !== undefined
        ? `Bearer ${token}`
        : username === ""
          ? undefined
          : `Basic ${Buffer.from(basic).toString("base64")}`;
    this.#headers = {
      // The sizes are those of the bytes themselves.
      "accept-encoding": "identity",
      ...(authorization === undefined ? {} : { authorization }),
    };
    this.#limits = limits;
  }

  /** For messages: without what a password may be in. */
  get name(): string {
    return this.#url;
  }

  /**
   * Reads a file.
   *
   * @param maximumBytes more than so many are a failure
   * @param take gets the pieces; called again when a request is repeated
   * @returns undefined when it is not there
   * @throws {HttpFailure}
   */
  async get<Result>(
    location: string,
    maximumBytes: number,
    take: (pieces: AsyncIterable<Uint8Array>) => Promise<Result>,
  ): Promise<Result | undefined> {
    return this.#request("GET", location, { sizeBytes: maximumBytes }, async (response, watch) => {
      if (response.status === 404 || response.status === 410) return undefined;
      if (response.status !== 200) throw refused(response);
      const body = response.body ?? new ReadableStream({ start: (stream) => stream.close() });
      return take(piecesOf(body, maximumBytes, watch));
    });
  }

  /**
   * The size of a file as the server gives it.
   *
   * @returns undefined when the file is not there, or its size is not known
   * @throws {HttpFailure}
   */
  async size(location: string): Promise<number | undefined> {
    return this.#request("HEAD", location, {}, (response) => {
      if (response.status === 404 || response.status === 410) return undefined;
      if (response.status !== 200) throw refused(response);
      const length = response.headers.get("content-length") ?? "";
      return /^\d+$/.test(length) ? Number(length) : undefined;
    });
  }

  /**
   * Writes a file, from one on disk or from text.
   *
   * @throws {HttpFailure}
   */
  async put(location: string, source: { file: string } | { text: string }): Promise<void> {
    const body = "file" in source ? await openAsBlob(source.file) : new Blob([source.text]);
    await this.#request("PUT", location, { body, sizeBytes: body.size }, (response) => {
      if (!response.ok) throw refused(response);
      return undefined;
    });
  }

  async #request<Result>(
    method: "GET" | "HEAD" | "PUT",
    location: string,
    transfer: { readonly body?: Blob; readonly sizeBytes?: number },
    use: (response: Response, watch: Watch) => Promise<Result> | Result,
  ): Promise<Result> {
    const { attempts, retryAfterMs } = this.#limits;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(method, location, transfer, use);
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error;
        if (!error.mayPass || attempt >= attempts) {
          throw new HttpFailure(`${method} ${this.#url}/${location}: ${error.message}`, error);
        }
        await wait(retryAfterMs * 4 ** (attempt - 1));
      }
    }
  }

  async #attempt<Result>(
    method: string,
    location: string,
    { body, sizeBytes = 0 }: { readonly body?: Blob; readonly sizeBytes?: number },
    use: (response: Response, watch: Watch) => Promise<Result> | Result,
  ): Promise<Result> {
    const watch = new Watch();
    const transferMs = (sizeBytes / this.#limits.bytesPerSecond) * 1000;
    const { answerMs, stallMs } = this.#limits;
    watch.limit("all", answerMs + stallMs + transferMs, "is too slow");
    watch.limit("step", answerMs + (body === undefined ? 0 : transferMs), "does not answer");
    try {
      const response = await fetch(`${this.#url}/${location}`, {
        method,
        headers: this.#headers,
        signal: watch.signal,
        // An address that leads elsewhere is for people to change, not to follow unseen.
        redirect: "manual",
        ...(body === undefined ? {} : { body }),
      }).catch((error: unknown) => {
        throw watch.failure ?? new HttpFailure(reasonOf(error), { mayPass: true });
      });
      watch.stallMs = stallMs;
      watch.progressed();
      return await use(response, watch);
    } finally {
      // Whatever is still to come is not wanted.
      watch.end();
    }
  }
}

/** Ends a request that takes too long. */
class Watch {
  readonly #stop = new AbortController();
  readonly #timers = new Map<"all" | "step", NodeJS.Timeout>();
  stallMs = 0;
  /** Why it was ended. */
  failure: HttpFailure | undefined;

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  limit(which: "all" | "step", afterMs: number, reason: string): void {
    clearTimeout(this.#timers.get(which));
    const end = (): void => {
      // Waiting as long once more is what must not happen.
      this.failure ??= new HttpFailure(`the server ${reason}`, { isFinal: true });
      this.#stop.abort();
    };
    this.#timers.set(which, setTimeout(end, afterMs));
  }

  progressed(): void {
    this.limit("step", this.stallMs, "has stopped in the middle of its answer");
  }

  end(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#stop.abort();
  }
}

async function* piecesOf(
  body: ReadableStream<Uint8Array>,
  maximumBytes: number,
  watch: Watch,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw watch.failure ?? new HttpFailure(reasonOf(error), { mayPass: true });
    });
    if (done) return;
    bytes += value.length;
    if (bytes > maximumBytes) throw new HttpFailure(`more than ${maximumBytes} bytes came`);
    watch.progressed();
    yield value;
  }
}

function refused({ status, headers }: Response): HttpFailure {
  if (status >= 300 && status < 400) {
    const target = headers.get("location") ?? "nowhere";
    return new HttpFailure(`HTTP ${status}, to ${target}`, { isFinal: true });
  }
  const mayPass = status === 408 || status === 429 || (status >= 500 && !refusals.has(status));
  return new HttpFailure(`HTTP ${status}`, { mayPass, isFinal: refusals.has(status) });
}

/** fetch says only "fetch failed"; what a person needs is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message === "" ? String((cause as NodeJS.ErrnoException).code) : cause.message;
}
