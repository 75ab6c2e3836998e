import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import {
  pathExists,
  replaceFolder,
  type Sha256,
  sha256File,
  sha256Json,
  uniqueName,
} from "@cleanroom/core";
import { makeRoot } from "@cleanroom/rootfs";
import { headerTag } from "rpm-parser";
import { packageOfBuild, type StackPackage } from "@cleanroom/spec-strip";
import { buildAll } from "./build.ts";
import { withNeeds } from "./build-plan.ts";
import type { BuildResult } from "./build-result.ts";
import { compareOutputs } from "./compare-outputs.ts";
import { type PreparedBuild, prepareBuild } from "./prepare-build.ts";
import { builtSpec, type ReproductionResult } from "./reproduce.ts";
import { rpmbuild, type RpmbuildRequest } from "./rpmbuild.ts";
import type { RunnerContext } from "./runner-context.ts";

/** The source package of a build. */
export interface SourceRpm {
  readonly name: string;
  /** `name-version-release.src.rpm` */
  readonly file: string;
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
}

/** A package that was built, and what its build was made of. */
interface Built {
  readonly result: BuildResult;
  /** The key of its source package. */
  readonly key: Sha256;
  /** With the spec as it was built. */
  readonly entry: StackPackage;
  readonly prepared: PreparedBuild;
}

/**
 * Makes the source packages of builds, each once, and puts it into a folder of the package's name
 * in `outputFolder`. It holds the spec as it was built, profiles applied, so it is the source of
 * these RPMs to the letter. What is not built yet is.
 */
export async function makeSourceRpms(
  context: RunnerContext,
  names: readonly string[],
  outputFolder: string,
): Promise<readonly SourceRpm[]> {
  const made: SourceRpm[] = [];
  for (const built of await buildsOf(context, names)) {
    const source = await sourceRpm(context, built);
    await writeSource(context, outputFolder, source);
    made.push(source);
  }
  return made;
}

/**
 * Rebuilds packages from their source packages with `rpmbuild --rebuild`, in the same root, and
 * compares what comes out: everything but the tag by which rpm marks what was rebuilt.
 */
export async function checkSourceRpms(
  context: RunnerContext,
  names: readonly string[],
): Promise<readonly ReproductionResult[]> {
  const checked: ReproductionResult[] = [];
  for (const built of await buildsOf(context, names)) {
    const { name } = built.result;
    const source = await sourceRpm(context, built);
    context.logger.info(`${name}: rebuilding from ${source.file}`, { package: name });
    const differences = await inWorkFolder(context, built, "rebuild", async (request) => {
      const { store } = context;
      await store.materialize(source.sha256, path.join(request.folder, source.file));
      const task = { ...request, task: { rebuild: source.file } } as const;
      const { files } = await rpmbuild(store, task);
      const rpms = path.join(request.folder, "RPMS");
      return compareOutputs(store, built.result.rpms, rpms, files, rebuildTags);
    });
    const isReproducible = differences.length === 0;
    checked.push({ id: name, isReproducible, differences, report: undefined });
  }
  return checked;
}

/** rpm copies the source package's cookie into what `--rebuild` makes (its build/pack.c). */
const rebuildTags = [headerTag.cookie];

async function buildsOf(context: RunnerContext, names: readonly string[]): Promise<Built[]> {
  const { store, stack } = context;
  const builds = names.map((name) => ({ name, stage: undefined }));
  const results = await buildAll(context, withNeeds(stack, builds));
  return Promise.all(
    builds.map(async (build) => {
      const result = results.get(build.name);
      if (result === undefined) throw new Error(`${build.name} was not built`);
      const entry = packageOfBuild(stack, build);
      const prepared = await prepareBuild(context, entry, results);
      const key = sha256Json(["source-rpm", prepared.key, result.spec]);
      const spec = await builtSpec(store, result);
      return { result, key, entry: { ...entry, spec }, prepared };
    }),
  );
}

async function sourceRpm(context: RunnerContext, built: Built): Promise<SourceRpm> {
  const { store, logger } = context;
  const { name } = built.result;
  const known = (await store.action(built.key, { shared: true }))?.outputs[0];
  if (known !== undefined) {
    return { name, file: known.name, sha256: known.sha256, size: known.size };
  }
  return inWorkFolder(context, built, "source", async (request) => {
    await rpmbuild(store, { ...request, task: "source" });
    const folder = path.join(request.folder, "SRPMS");
    const [file, ...others] = await readdir(folder);
    if (file === undefined || others.length > 0) {
      throw new Error(`rpmbuild -bs made ${others.length + 1} packages of ${name}`);
    }
    const stored = await store.putFile(path.join(folder, file));
    const outputs = [{ name: file, ...stored }];
    await store.putAction(built.key, { outputs, facts: { package: file } }, { shared: true });
    logger.info(`${name}: made ${file}`, { package: name });
    return { name, file, ...stored };
  });
}

async function inWorkFolder<Result>(
  { store, tools, macros }: RunnerContext,
  { result, entry, prepared }: Built,
  purpose: string,
  work: (request: RpmbuildRequest) => Promise<Result>,
): Promise<Result> {
  const { name } = result;
  const { sources, closure, repositories } = prepared;
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  return store.withTemporaryFolder(`${purpose}-${name}`, async (folder) => {
    const logFile = store.path("logs", `${name}.${purpose}.log`);
    await mkdir(path.dirname(logFile), { recursive: true });
    return work({ entry, sources, macros, root, folder, logFile });
  });
}

/** The folder is replaced as a whole: it never holds the source of another version as well. */
async function writeSource(
  { store }: RunnerContext,
  outputFolder: string,
  { name, file, sha256 }: SourceRpm,
): Promise<void> {
  const target = path.join(outputFolder, name);
  const there = path.join(target, file);
  if ((await pathExists(there)) && (await sha256File(there)) === sha256) return;
  const temporary = path.join(outputFolder, uniqueName(`.${name}`));
  await store.materialize(sha256, path.join(temporary, file));
  await replaceFolder(temporary, target);
}
