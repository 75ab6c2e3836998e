import path from "node:path";
import type { Logger } from "../log.ts";
import { HttpCache } from "./http-cache.ts";
import type { RemoteSettings } from "./remote-settings.ts";
import { RemoteStore } from "./remote-store.ts";
import { resultKey, type ResultKey } from "./signing-key.ts";

/** The key with which a store signs its action results; made when it is not there yet. */
export function ownResultKey(storeFolder: string): Promise<ResultKey> {
  return resultKey(path.join(storeFolder, "keys", "action-results.pem"));
}

/**
 * The remote store that settings name. What the store's own key signed is always believed.
 *
 * @param options.pushesKnown results that the store has already are written there too
 */
export async function openRemoteStore(
  settings: RemoteSettings,
  storeFolder: string,
  logger: Logger,
  { pushesKnown = false }: { readonly pushesKnown?: boolean } = {},
): Promise<RemoteStore> {
  const own = await ownResultKey(storeFolder);
  return new RemoteStore({
    cache: new HttpCache(settings.url, settings.token),
    trusted: new Set([...settings.trust, own.publicKey]),
    signer: settings.mode === "read-write" ? own : undefined,
    pushesKnown,
    logger,
  });
}
