import path from "node:path";
import type { Sandbox } from "@cleanroom/core";
import { makeRoot } from "@cleanroom/rootfs";
import { needsOfBuild, packageOfBuild, type StackPackage } from "@cleanroom/spec-strip";
import { buildAll } from "./build.ts";
import { withNeeds } from "./build-plan.ts";
import { compilerCacheOf, type PreparedBuild, prepareBuild } from "./prepare-build.ts";
import { prepareSandbox, rpmbuildCommand } from "./rpmbuild.ts";
import type { RunnerContext } from "./runner-context.ts";

/** A package, all that its build is made of, and the host folder of its build root. */
export interface OpenedBuild {
  readonly entry: StackPackage;
  readonly prepared: PreparedBuild;
  readonly root: string;
}

/** Makes the build root of a package; all that it needs is built first. */
export async function buildRootOf(context: RunnerContext, name: string): Promise<OpenedBuild> {
  const { store, tools, stack } = context;
  const entry = packageOfBuild(stack, { name, stage: undefined });
  const results = await buildAll(context, withNeeds(stack, needsOfBuild(stack, entry)));
  const prepared = await prepareBuild(context, entry, results);
  const { closure, repositories } = prepared;
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  return { entry, prepared, root };
}

/**
 * Opens the build root of a package, its sources in place, and hands its sandbox to `work`. The
 * work folder is gone afterwards.
 */
export async function openBuildRoot(
  context: RunnerContext,
  name: string,
  work: (sandbox: Sandbox, command: readonly string[]) => Promise<void>,
): Promise<void> {
  const { store, macros } = context;
  const { entry, prepared, root } = await buildRootOf(context, name);
  await store.withTemporaryFolder(`shell-${name}`, async (folder) => {
    const logFile = path.join(folder, "build.log");
    const compilerCache = await compilerCacheOf(context, name, prepared.closure);
    const { sources } = prepared;
    const request = { entry, sources, macros, root, folder, logFile, compilerCache };
    await work(await prepareSandbox(store, request), rpmbuildCommand(request));
  });
}
