import { canonicalJson, type Json, type Sha256, sha256, sha256Json } from "./digest.ts";

/** What an action made: named blobs of the store, and facts about them. */
export interface ActionResult {
  readonly outputs: readonly {
    readonly name: string;
    readonly sha256: Sha256;
    readonly size: number;
  }[];
  readonly facts: { readonly [name: string]: Json };
}

/** An action result as a file of the store, with the digest of its canonical JSON. */
export function actionResultText(result: ActionResult): string {
  const text = canonicalJson(result as unknown as Json);
  return `{"sha256":"${sha256(text)}","result":${text}}`;
}

/** Up to the result. */
const headLength = actionResultText({ outputs: [], facts: {} }).indexOf('"result":') + 9;

/** What {@link actionResultText} wrote; undefined where that was damaged. */
export function parseActionResult(text: string): ActionResult | undefined {
  try {
    const record = JSON.parse(text) as { sha256: string; result: ActionResult };
    // Whoever wrote the keys in another order wrote no less.
    const isWhole =
      sha256(text.slice(headLength, -1)) === record.sha256 ||
      sha256Json(record.result as unknown as Json) === record.sha256;
    return isWhole ? record.result : undefined;
  } catch {
    return undefined;
  }
}

/** What an action is called in messages: its package, where it says one. */
export function actionLabel(key: Sha256, { facts }: ActionResult): string {
  const label = facts["package"];
  return typeof label === "string" ? label : key;
}
