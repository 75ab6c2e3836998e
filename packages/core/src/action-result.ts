import { type Json, type Sha256, sha256Json } from "./digest.ts";

/** What an action made: named blobs of the store, and facts about them. */
export interface ActionResult {
  readonly outputs: readonly {
    readonly name: string;
    readonly sha256: Sha256;
    readonly size: number;
  }[];
  readonly facts: { readonly [name: string]: Json };
}

/** An action result as a file of the store, with a digest of its own. */
export function actionResultText(result: ActionResult): string {
  return JSON.stringify({ sha256: sha256Json(result as unknown as Json), result });
}

/** What {@link actionResultText} wrote; undefined where that was damaged. */
export function parseActionResult(text: string): ActionResult | undefined {
  try {
    const record = JSON.parse(text) as { sha256: string; result: ActionResult };
    return sha256Json(record.result as unknown as Json) === record.sha256
      ? record.result
      : undefined;
  } catch {
    return undefined;
  }
}

/** What an action is called in messages: its package, where it says one. */
export function actionLabel(key: Sha256, { facts }: ActionResult): string {
  const label = facts["package"];
  return typeof label === "string" ? label : key;
}
