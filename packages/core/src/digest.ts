import { createHash, hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { filePieces } from "./pieces.ts";

/** A SHA-256 digest: 64 lower-case hexadecimal digits. */
export type Sha256 = string;

export function isSha256(text: string): text is Sha256 {
  return /^[0-9a-f]{64}$/.test(text);
}

export function sha256(data: string | Uint8Array): Sha256 {
  return hash("sha256", data);
}

/** Files up to this size are read at once, which costs less than handing pieces to other threads. */
const smallFileBytes = 128 * 1024;

/** The digest of a file's bytes. */
export async function sha256File(file: string): Promise<Sha256> {
  if (statSync(file).size <= smallFileBytes) return sha256(readFileSync(file));
  const whole = createHash("sha256");
  for await (const piece of filePieces(file)) whole.update(piece);
  return whole.digest("hex");
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
  return JSON.stringify(ordered(value));
}

/** The same value with the keys of all its objects in order. */
function ordered(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (isList(value)) return value.map(ordered);
  const copy: Record<string, Json> = {};
  for (const name of Object.keys(value).toSorted()) {
    // As an assignment it would change what the object is.
    if (name === "__proto__")
      Object.defineProperty(copy, name, { enumerable: true, writable: true });
    copy[name] = ordered(value[name]);
  }
  return copy;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}

/** The digest of a value's canonical JSON. */
export function sha256Json(value: Json): Sha256 {
  return sha256(canonicalJson(value));
}
