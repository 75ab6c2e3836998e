import { readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { CleanroomError, messageOf, sha256, type Sha256 } from "@cleanroom/core";
import type { ImageRepository } from "../context.ts";

/** A build's own provenance, as the repository of its packages publishes it. */
export interface BuildStatement {
  /** Digest of the statement: of its line in the repository's `provenance` metadata. */
  readonly sha256: Sha256;
  /** SLSA's `buildType`. */
  readonly buildType: string;
}

interface Statement {
  readonly subject: readonly { readonly digest: { readonly sha256?: string } }[];
  readonly predicate: { readonly buildDefinition: { readonly buildType: string } };
}

/**
 * The provenance of each build that a request's repositories know of, by the digest of the .rpm
 * without signature. A repository that publishes none, as a distribution's, has none here.
 *
 * @throws {CleanroomError} `repository-unusable` for metadata that cannot be read
 */
export async function buildStatements(
  repositories: readonly ImageRepository[],
): Promise<ReadonlyMap<Sha256, BuildStatement>> {
  const statements = new Map<Sha256, BuildStatement>();
  for (const repository of repositories) {
    const text = await provenanceText(repository);
    for (const line of text.split("\n").filter((one) => one !== "")) {
      const { subject, predicate } = JSON.parse(line) as Statement;
      const { buildType } = predicate.buildDefinition;
      const statement = { sha256: sha256(`${line}\n`), buildType };
      for (const { digest } of subject) statements.set(digest.sha256 ?? "", statement);
    }
  }
  return statements;
}

async function provenanceText(repository: ImageRepository): Promise<string> {
  try {
    const index = Buffer.from(await readPart(repository, "repodata/repomd.xml")).toString("utf8");
    const [, entry = ""] = /<data type="provenance">(.*?)<\/data>/s.exec(index) ?? [];
    const [, href] = /<location href="([^"]+)"/.exec(entry) ?? [];
    const [, expected] = /<checksum type="sha256">([0-9a-f]{64})</.exec(entry) ?? [];
    if (href === undefined) return "";
    const bytes = await readPart(repository, href);
    if (sha256(bytes) !== expected) throw new Error(`${href} is not what repomd.xml names`);
    const plain = href.endsWith(".zst")
      ? zstdDecompressSync(bytes)
      : href.endsWith(".gz")
        ? gunzipSync(bytes)
        : Buffer.from(bytes);
    return plain.toString("utf8");
  } catch (error) {
    throw new CleanroomError(
      "repository-unusable",
      `the provenance of ${repository.id} cannot be read: ${messageOf(error)}`,
      { cause: error, place: { step: "read provenance" } },
    );
  }
}

async function readPart({ location }: ImageRepository, part: string): Promise<Uint8Array> {
  if (part.split("/").includes("..")) throw new Error(`${part} leaves its repository`);
  if ("folder" in location) return readFile(path.join(location.folder, part));
  const answer = await fetch(`${location.url.replace(/\/+$/, "")}/${part}`);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.bytes();
}
