import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { array, assert, asyncProperty, constantFrom, string } from "fast-check";
import { expect, test } from "vitest";
import { type MetadataCompression, packingOf } from "./packing.ts";
import { compressPieceSync } from "./zstd-frame.ts";

async function packed(
  compression: MetadataCompression,
  pieces: readonly string[],
): Promise<{ text: string; file: Buffer; suffix: string }> {
  const packing = packingOf(compression);
  const texts: Uint8Array[] = [];
  const parts: Uint8Array[] = [];
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    const added = await packing.add({ text: bytes, frame: compressPieceSync(bytes) });
    texts.push(...added.text);
    parts.push(...added.packed);
  }
  const file = Buffer.concat([...parts, packing.end()]);
  return { text: Buffer.concat(texts).toString(), file, suffix: packing.suffix };
}

test("what is unpacked is the text, and that is the pieces but for line feeds between them", async () => {
  const texts = array(string({ maxLength: 100 }), { minLength: 1, maxLength: 5 });
  await assert(
    asyncProperty(constantFrom("zstd" as const, "gzip" as const), texts, async (kind, pieces) => {
      const { text, file, suffix } = await packed(kind, pieces);
      const unpacked = suffix === "gz" ? gunzipSync(file) : zstdDecompressSync(file);
      expect(unpacked.toString()).toBe(text);
      expect(text.replaceAll("\n", "")).toBe(pieces.join("").replaceAll("\n", ""));
    }),
  );
});
