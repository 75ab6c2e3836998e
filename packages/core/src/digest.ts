import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** A SHA-256 digest: 64 lower-case hexadecimal digits. */
export type Sha256 = string;

export function isSha256(text: string): text is Sha256 {
  return /^[0-9a-f]{64}$/.test(text);
}

export function sha256(data: string | Uint8Array): Sha256 {
  return createHash("sha256").update(data).digest("hex");
}

const readSizeBytes = 1 << 20;

/** The digest of a file's bytes, read piece by piece into one buffer no larger than the file. */
export async function sha256File(file: string): Promise<Sha256> {
  const hash = createHash("sha256");
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    // One byte at least, so that a file that grew from nothing is read too.
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(size, readSizeBytes)));
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
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
