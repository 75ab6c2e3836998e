import { createHash } from "node:crypto";
import { filePieces } from "./pieces.ts";

/** A SHA-256 digest: 64 lower-case hexadecimal digits. */
export type Sha256 = string;

export function isSha256(text: string): text is Sha256 {
  return /^[0-9a-f]{64}$/.test(text);
}

export function sha256(data: string | Uint8Array): Sha256 {
  return createHash("sha256").update(data).digest("hex");
}

/** The digest of a file's bytes. */
export async function sha256File(file: string): Promise<Sha256> {
  const hash = createHash("sha256");
  for await (const piece of filePieces(file)) hash.update(piece);
  return hash.digest("hex");
}

/** A value that JSON can hold. */
export type Json =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Json[]
  | { readonly [key: string]: Json };

/** JSON with object keys in code-unit order and no white space: one text for one value. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
        )
      : inner,
  );
}

/** The digest of a value's canonical JSON. */
export function sha256Json(value: Json): Sha256 {
  return sha256(canonicalJson(value));
}
