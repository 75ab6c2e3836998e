import type { ProjectConfiguration } from "@nx/devkit";
import { command, ownCode } from "./target.ts";

/** The Nx project of a base: `import` brings it into the store. */
export function baseProject(name: string): ProjectConfiguration {
  return {
    name,
    root: `specs/base/${name}`,
    projectType: "library",
    tags: ["base"],
    targets: {
      import: {
        ...command(`./cleanroom base import ${name}`, `Import the base ${name}`),
        cache: true,
        inputs: ["{projectRoot}/*.yaml", ...ownCode, { externalDependencies: [] }],
        outputs: [],
      },
    },
  };
}
