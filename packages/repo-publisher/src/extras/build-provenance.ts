import { readFile } from "node:fs/promises";
import { CleanroomError, type Sha256, type Store } from "@cleanroom/core";
import { compareText } from "../assemble.ts";
import type { PackageChunk } from "../package-chunk.ts";

/**
 * The SLSA provenance of every build that made one of the packages, an in-toto statement a line.
 * The subjects are the packages as they were built, before they were signed.
 *
 * @throws CleanroomError `blob-missing`
 */
export async function buildProvenance(
  store: Store,
  chunks: readonly PackageChunk[],
): Promise<string> {
  const digests = new Set(chunks.flatMap((chunk) => chunk.provenance()));
  const statements = [];
  for (const digest of [...digests].toSorted(compareText)) {
    statements.push(await statementText(store, digest));
  }
  return statements.join("");
}

async function statementText(store: Store, digest: Sha256): Promise<string> {
  const file = await store.blob(digest);
  if (file !== undefined) return readFile(file, "utf8");
  throw new CleanroomError("blob-missing", `the store lacks the provenance ${digest}`, {
    place: { step: "publish" },
    hint: "./cleanroom repo publish makes it anew",
  });
}
