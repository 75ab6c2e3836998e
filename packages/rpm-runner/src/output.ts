import { readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  canonicalJson,
  isMissingFile,
  type Json,
  pathExists,
  removeAbandoned,
  replaceFolder,
  runInSandbox,
  sha256File,
  sha256Json,
  sizeOf,
  type Store,
  type Tools,
  uniqueName,
} from "@cleanroom/core";
import type { Repository } from "@cleanroom/rootfs";
import { type BuildResult, type BuiltRpm, provenanceName } from "./build-result.ts";

/** A built package's RPMs as a repository of its own, made once for its output. */
export async function outputRepository(
  store: Store,
  tools: Tools,
  result: BuildResult,
): Promise<Repository> {
  const digest = sha256Json(result.rpms.map(({ file, sha256 }) => [file, sha256]));
  const folder = store.path("repos", "built", digest);
  const repository: Repository = {
    id: result.name,
    location: { folder },
    // What the stack builds wins over what the base supplies.
    priority: 10,
    digest,
    isDerived: true,
  };
  if (await pathExists(folder)) return repository;
  await store.withTemporaryFolder("repository", async (temporary) => {
    const made = path.join(temporary, "repository");
    for (const { file, sha256 } of result.rpms) {
      await store.materialize(sha256, path.join(made, "Packages", file));
    }
    await runInSandbox(
      { root: tools.root, mounts: [{ source: made, target: "/repository", writable: true }] },
      ["createrepo_c", "--quiet", "--no-database", "--revision", digest, "/repository"],
      { step: `${result.name}: createrepo_c` },
    );
    await adoptFolder(made, folder);
  });
  return repository;
}

/**
 * Puts a build's RPMs, its spec, log and provenance, and `record.json` into its output folder, replaced as a whole.
 *
 * The record names outputs alone, never inputs or times: Nx takes it as input of the packages
 * that depend on this one, so that an unchanged output stops there.
 */
export async function writeOutput(
  store: Store,
  outputFolder: string,
  result: BuildResult,
): Promise<void> {
  const target = path.join(outputFolder, result.name);
  const record = `${canonicalJson({ version: 1, name: result.name, rpms: result.rpms as unknown as Json })}\n`;
  if (await isWritten(target, record, result)) return;
  await mkdir(outputFolder, { recursive: true });
  const temporary = path.join(outputFolder, uniqueName(`.${result.name}`));
  await mkdir(temporary, { recursive: true });
  const action = await store.action(result.key);
  for (const { name, sha256 } of action?.outputs ?? []) {
    await store.materialize(sha256, path.join(temporary, name));
  }
  await writeFile(path.join(temporary, "record.json"), record);
  await replaceFolder(temporary, target);
}

/** Removes what killed runs left in an output folder. */
export async function cleanOutput(outputFolder: string): Promise<void> {
  if (await pathExists(outputFolder)) await removeAbandoned(outputFolder);
}

/** The RPMs that a package's output folder records; undefined where it was not built yet. */
export async function readOutput(
  outputFolder: string,
  name: string,
): Promise<readonly BuiltRpm[] | undefined> {
  try {
    const text = await readFile(path.join(outputFolder, name, "record.json"), "utf8");
    return (JSON.parse(text) as Pick<BuildResult, "rpms">).rpms;
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

async function isWritten(target: string, record: string, result: BuildResult): Promise<boolean> {
  try {
    if (readFileSync(path.join(target, "record.json"), "utf8") !== record) return false;
    // Other inputs can have made the same packages: the output tells of the last ones.
    const provenance = await sha256File(path.join(target, provenanceName));
    return (
      provenance === result.provenance &&
      result.rpms.every(({ file, size }) => sizeOf(path.join(target, file)) === size)
    );
  } catch (error) {
    if (isMissingFile(error)) return false;
    throw error;
  }
}
