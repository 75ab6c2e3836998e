import { readFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, pathExists, readYamlFile } from "@cleanroom/core";
import {
  type PublishOptions,
  type RepositoryFile,
  repositoryFileSchema,
  type Retention,
} from "@cleanroom/repo-publisher";
import type { Stack } from "@cleanroom/spec-strip";
import { workspace } from "./session.ts";

const fileName = "specs/repository.yaml";

/** How the workspace wants its packages published. */
export interface RepositorySettings {
  readonly publishing: Pick<PublishOptions, "key" | "signer" | "compression" | "extras">;
  readonly retention: Retention;
}

/** specs/repository.yaml, or what holds without one. */
export async function readRepositorySettings(): Promise<RepositorySettings> {
  const file = path.join(workspace, fileName);
  const settings = (await pathExists(file))
    ? await readYamlFile(file, repositoryFileSchema, fileName)
    : repositoryFileSchema.parse({});
  const { compression, signing, keep, groups, updates } = settings;
  return {
    publishing: { compression, ...(await signer(signing)), extras: { groups, updates } },
    retention: { generations: keep.generations, ageMs: keep.days * 24 * 3600 * 1000 },
  };
}

async function signer(
  signing: RepositoryFile["signing"],
): Promise<Pick<PublishOptions, "key" | "signer">> {
  if ("key" in signing) return { key: signing.key };
  const { command, fingerprint, publicKey } = signing;
  const text = await readTextFile(path.join(workspace, publicKey), publicKey);
  return { signer: { command, fingerprint, publicKey: text } };
}

/** What the profiles forbid, by the names of source packages. */
export function forbiddenBySource({ packages }: Stack): Record<string, readonly string[]> {
  return Object.fromEntries(
    [...packages.values()].flatMap(({ name, forbid }) =>
      forbid.length === 0 ? [] : [[name, forbid.map(({ match }) => match)]],
    ),
  );
}

/** A file that the user named. */
export async function readTextFile(file: string, displayName = file): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new CleanroomError("file-missing", `${displayName} cannot be read`, {
      cause: error,
      exitCode: 2,
    });
  }
}
