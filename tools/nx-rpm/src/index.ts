import path from "node:path";
import type { CreateDependencies, CreateNodes } from "@nx/devkit";
import type * as Plugin from "./plugin.ts";

/** The plugin as the launcher bundled it, which takes a fraction of the time; else its sources. */
async function load(): Promise<typeof Plugin> {
  const bundle = process.env["CLEANROOM_BUNDLE"];
  return bundle === undefined
    ? import("./plugin.ts")
    : ((await import(path.join(bundle, "plugin.js"))) as typeof Plugin);
}

export const name = "@cleanroom/nx-rpm";

export const createNodes: CreateNodes = [
  "specs/{rpm,base,image}/*/*.{spec,yaml}",
  async (_files, _options, context) => (await load()).createNodes(context.workspaceRoot),
];

export const createDependencies: CreateDependencies = async (_options, context) =>
  (await load()).createDependencies(context.workspaceRoot);
