import { copyFile, mkdir, readFile, realpath, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import {
  CleanroomError,
  developmentDistribution,
  isMissingFile,
  pathExists,
  removeFolder,
  replaceFolder,
  sha256,
  sha256Json,
  uniqueName,
  writeFileAtomic,
} from "@cleanroom/core";
import type { StackPackage } from "@cleanroom/spec-strip";
import { buildRootOf } from "../build-root.ts";
import { compilerCacheOf } from "../prepare-build.ts";
import { rpmbuild, type RpmbuildRequest } from "../rpmbuild.ts";
import type { RunnerContext } from "../runner-context.ts";
import { withCheckout } from "./checkout.ts";
import { syncTree, type TreeManifest } from "./sync-tree.ts";

/** What a build from a local checkout made. */
export interface DevelopmentBuild {
  readonly name: string;
  /** Names of the RPMs, sorted. */
  readonly rpms: readonly string[];
  /** Whether only what changed was compiled: its build folder was there from the last time. */
  readonly isIncremental: boolean;
  /** Of rpmbuild alone. */
  readonly buildMs: number;
}

export interface DevelopmentOptions {
  /** Folder of the sources. */
  readonly checkout: string;
  /** Apply the spec's patches; false where the checkout has them already. */
  readonly patches: boolean;
  /** The RPMs go to a folder of the package's name in this one. */
  readonly outputFolder: string;
}

/**
 * Builds a package from a local checkout in the place of its archive. `%prep` runs anew each time;
 * what it changed is then brought into a build folder that is kept in the store, so that `%build`
 * compiles what changed and nothing else. Where the spec or the build root changed it starts from
 * nothing: no make can tell.
 *
 * What it makes is marked (Release ends in `.dev`, tag Distribution) and goes to the output folder
 * alone: nothing is built with it, and nobody publishes it.
 *
 * @throws {CleanroomError} `checkout-unusable`; `build-failed`
 */
export async function developPackage(
  context: RunnerContext,
  name: string,
  { checkout: given, patches, outputFolder }: DevelopmentOptions,
): Promise<DevelopmentBuild> {
  const { store, logger } = context;
  const checkout = await folderAt(given);
  const { entry: published, prepared, root } = await buildRootOf(context, name);
  const entry = developmentEntry(published);
  const macros = {
    ...context.macros,
    distribution: developmentDistribution,
    // rpm's %patch and %autosetup pipe each patch into it.
    ...(patches ? {} : { __patch: "/usr/bin/true" }),
  };
  const kept = store.path("dev", `${name}-${sha256(checkout).slice(0, 12)}`);
  return store.withLock(`dev-${path.basename(kept)}`, async () => {
    const made = sha256Json([entry.spec, prepared.closure.digest, macros, context.arch]);
    const isIncremental = await keepFolder(kept, made);
    const how = isIncremental ? "what changed" : "everything";
    logger.info(`${name}: building from ${checkout}, ${how}`, { package: name });
    return store.withTemporaryFolder(`dev-${name}`, async (temporary) => {
      const archives = path.join(temporary, "archives");
      const upstream = prepared.sources;
      const sources = await withCheckout(store, root, entry, upstream, checkout, archives);
      const request: Omit<RpmbuildRequest, "folder"> = {
        ...{ entry, sources, macros, root, jobs: context.limits.jobs },
        ...{ atFailure: context.atFailure, logFile: store.path("logs", `${name}.dev.log`) },
        compilerCache: await compilerCacheOf(context, `${name}.dev`, prepared.closure),
      };
      await mkdir(store.path("logs"), { recursive: true });
      const fresh = path.join(temporary, "fresh");
      await mkdir(fresh);
      await rpmbuild(store, { ...request, folder: fresh, task: "prepare" });
      await bringIn(path.join(fresh, "BUILD"), kept);
      const folder = path.join(kept, "build");
      for (const one of ["SOURCES", "RPMS"]) await removeFolder(path.join(folder, one));
      const { files, durationMs } = await rpmbuild(store, { ...request, folder, task: "resume" });
      await writeDevelopmentOutput(path.join(folder, "RPMS"), files, outputFolder, name);
      return { name, rpms: files, isIncremental, buildMs: Math.round(durationMs) };
    });
  });
}

async function folderAt(given: string): Promise<string> {
  const isFolder = await stat(given).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return realpath(given);
  throw new CleanroomError("checkout-unusable", "there is no such folder", {
    place: { file: given },
    exitCode: 2,
    hint: "--source DIR is the folder of the package's sources",
  });
}

/** Sorts after what it was made from, and before the next release. */
function developmentEntry(entry: StackPackage): StackPackage {
  return { ...entry, spec: entry.spec.replaceAll(/^(Release\s*:\s*\S.*?)\s*$/gim, "$1.dev") };
}

/**
 * Makes sure of the folder that a development build is kept in, empty unless it was made of the
 * same.
 *
 * @returns whether it is from an earlier build
 */
async function keepFolder(kept: string, made: string): Promise<boolean> {
  const file = path.join(kept, "made-of");
  const before = await readFile(file, "utf8").catch(() => "");
  if (before !== made) {
    // First what says that the rest can be used.
    await rm(file, { force: true });
    await removeFolder(kept);
  }
  await mkdir(path.join(kept, "build/BUILD"), { recursive: true });
  if (before !== made) await writeFileAtomic(file, made);
  // The time of its last use, for whoever wants to remove old ones.
  const now = new Date();
  await utimes(kept, now, now);
  return before === made && (await pathExists(path.join(kept, "sources.json")));
}

/** What `%prep` made, into the folder that is kept. */
async function bringIn(prepared: string, kept: string): Promise<void> {
  const file = path.join(kept, "sources.json");
  const before = await readFile(file, "utf8").then(
    (text) => JSON.parse(text) as TreeManifest,
    (error: unknown) => {
      if (isMissingFile(error)) return {};
      throw error;
    },
  );
  const manifest = await syncTree(prepared, path.join(kept, "build/BUILD"), before);
  await writeFileAtomic(file, JSON.stringify(manifest));
}

async function writeDevelopmentOutput(
  folder: string,
  files: readonly string[],
  outputFolder: string,
  name: string,
): Promise<void> {
  const temporary = path.join(outputFolder, uniqueName(`.${name}`));
  await mkdir(temporary, { recursive: true });
  for (const file of files) await copyFile(path.join(folder, file), path.join(temporary, file));
  await replaceFolder(temporary, path.join(outputFolder, name));
}
