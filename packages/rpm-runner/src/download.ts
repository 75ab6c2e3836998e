import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isMissingFile } from "@cleanroom/core";

/** Time for an answer to begin. The transfer itself may take as long as it makes progress. */
const answerTimeoutMs = 15_000;
const stallTimeoutMs = 30_000;

/**
 * Downloads an address to a file, going on where an earlier attempt ended. The caller judges the
 * bytes by their digest: nothing here is trusted.
 *
 * @throws Error with the HTTP status or the network's reason
 */
export async function download(url: string, target: string): Promise<void> {
  const { protocol } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") throw new Error(`cannot fetch ${protocol}`);
  const have = await sizeOf(target);
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(new Error("no answer")), answerTimeoutMs);
  try {
    const response = await fetch(url, {
      signal: stop.signal,
      headers: have === 0 ? {} : { range: `bytes=${have}-` },
    });
    // 416: there is nothing after what an earlier attempt brought.
    if (response.status === 416) return;
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    await pipeline(
      Readable.fromWeb(response.body),
      async function* watchProgress(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          clearTimeout(timer);
          timer = setTimeout(() => stop.abort(new Error("transfer stalled")), stallTimeoutMs);
          yield chunk;
        }
      },
      createWriteStream(target, { flags: response.status === 206 ? "a" : "w", flush: true }),
    );
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : reasonOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says only "fetch failed"; what a person needs is its cause. */
function reasonOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissingFile(error)) return 0;
    throw error;
  }
}
