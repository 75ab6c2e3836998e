import { imageNeeds, needsOfBuild, type Stack } from "@cleanroom/spec-strip";
import type { ProjectConfiguration } from "@nx/devkit";
import { baseProject } from "./base-project.ts";
import { imageProject, stackName, stackProject } from "./image-project.ts";
import { packageProject } from "./package-project.ts";

/** Of an image, what the graph has to know. */
export interface WorkspaceImage {
  readonly name: string;
  readonly base: string;
  /** Capabilities that its image.yaml asks for. */
  readonly packages: readonly string[];
  /** Whether there are tests that use it as a user would. */
  readonly tested: boolean;
}

/** What a workspace holds, as far as Nx is concerned. */
export interface WorkspaceContents {
  readonly stack: Stack;
  /** Names of the bases. */
  readonly bases: readonly string[];
  /** The base that the packages are built on. */
  readonly base: string;
  readonly images: readonly WorkspaceImage[];
}

/** Nx projects by their root. */
export function projectsOf(contents: WorkspaceContents): Record<string, ProjectConfiguration> {
  const { stack, bases, base, images } = contents;
  const projects = [
    ...[...stack.packages.values()].map((entry) => packageProject(stack, entry, base)),
    ...bases.map((name) => baseProject(name)),
    stackProject([...stack.packages.keys()].toSorted()),
    ...images.map((image) =>
      imageProject(image.name, image.base, imageNeeds(stack, image.packages), image.tested),
    ),
  ];
  return Object.fromEntries(projects.map((project) => [project.root, project]));
}

export interface Edge {
  readonly source: string;
  readonly target: string;
  /** The file of the source project that says so, where there is one. */
  readonly file: string | undefined;
}

/** Edges between projects, for `nx graph` and `nx affected`. */
export function edgesOf(contents: WorkspaceContents): Edge[] {
  const { stack, base, images } = contents;
  const packages = [...stack.packages.values()];
  return [
    ...packages.flatMap((entry) => {
      const file = `${entry.displayFolder}/${entry.name}.spec`;
      const needs = stack.builds.order
        .filter(({ name }) => name === entry.name)
        .flatMap((build) => needsOfBuild(stack, build).map(({ name }) => name))
        .filter((name) => name !== entry.name);
      return [...new Set([base, ...needs])].map((target) => ({
        source: entry.name,
        target,
        file,
      }));
    }),
    // No one file says it: the stack is all packages together.
    ...packages.map(({ name }) => ({ source: stackName, target: name, file: undefined })),
    ...images.flatMap((image) =>
      [image.base, ...imageNeeds(stack, image.packages)].map((target) => ({
        source: image.name,
        target,
        file: `specs/image/${image.name}/image.yaml`,
      })),
    ),
  ];
}
