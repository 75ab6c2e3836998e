import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, messageOf, run } from "@cleanroom/core";

const patienceMs = 30_000;
const pollMs = 200;

/**
 * Shows a page in the browser of this machine as soon as it answers. A machine without one is no
 * failure: the address is printed anyway.
 */
export async function openInBrowser(logger: Logger, url: string): Promise<void> {
  try {
    await untilItAnswers(url);
    await run("xdg-open", [url], { timeoutMs: patienceMs });
  } catch (error) {
    logger.warning(`no browser was opened (${messageOf(error)}): open ${url} yourself`);
  }
}

async function untilItAnswers(url: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(pollMs * 5) });
      await response.body?.cancel();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(pollMs);
  }
}
