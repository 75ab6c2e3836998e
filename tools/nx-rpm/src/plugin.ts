import path from "node:path";
import { baseFileSchema, readYamlFile } from "@cleanroom/core";
import { readStack } from "@cleanroom/spec-strip";
import fastGlob from "fast-glob";
import type { CreateNodesResultArray, DependencyType, RawProjectGraphDependency } from "@nx/devkit";
import { z } from "zod";
import { edgesOf, projectsOf, type WorkspaceContents } from "./projects.ts";

/** The base that packages are built on unless another one is asked for. */
const defaultBase = "debian-trixie";

/** Of an image's file, all that the graph has to know. */
const imageSchema = z.looseObject({ base: z.string(), packages: z.array(z.string()) });

const nameOf = (file: string): string => path.basename(path.dirname(file));

/**
 * Reads a workspace from committed files alone, so that the graph is the same on every machine,
 * before and after anything was built. Starts no process.
 */
async function readWorkspace(root: string): Promise<WorkspaceContents> {
  const baseFiles = await fastGlob("specs/base/*/base.yaml", { cwd: root });
  const imageFiles = await fastGlob("specs/image/*/image.yaml", { cwd: root });
  const baseFile = `specs/base/${defaultBase}/base.yaml`;
  const { macros, arch } = await readYamlFile(path.join(root, baseFile), baseFileSchema, baseFile);
  const testFiles = await fastGlob("e2e/*/*.test.ts", { cwd: root });
  const tested = new Set(testFiles.map(nameOf));
  const images = await Promise.all(
    imageFiles.toSorted().map(async (file) => ({
      name: nameOf(file),
      tested: tested.has(nameOf(file)),
      ...(await readYamlFile(path.join(root, file), imageSchema, file)),
    })),
  );
  return {
    stack: await readStack(root, { macros, arch }),
    bases: baseFiles.map(nameOf).toSorted(),
    base: defaultBase,
    images,
  };
}

/** What Nx was told the projects of; it asks for their edges next. */
let latest: { readonly root: string; readonly contents: WorkspaceContents } | undefined;

/** The projects of a workspace's specs. */
export async function createNodes(root: string): Promise<CreateNodesResultArray> {
  const contents = await readWorkspace(root);
  latest = { root, contents };
  return [["specs", { projects: projectsOf(contents) }]];
}

/** What its projects need of each other. */
export async function createDependencies(root: string): Promise<RawProjectGraphDependency[]> {
  const known = latest?.root === root ? latest.contents : undefined;
  // Once: a later graph, of a process that stays, is of other files.
  latest = undefined;
  const edges = edgesOf(known ?? (await readWorkspace(root)));
  return edges.map(({ source, target, file }) =>
    file === undefined
      ? { source, target, type: "implicit" as DependencyType.implicit }
      : { source, target, sourceFile: file, type: "static" as DependencyType.static },
  );
}
