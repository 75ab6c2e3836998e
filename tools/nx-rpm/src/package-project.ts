import type { StackPackage } from "@cleanroom/spec-strip";
import type { ProjectConfiguration } from "@nx/devkit";
import { command, ownCode } from "./target.ts";

/**
 * The Nx project of one spec. Its `rpm` task depends on the `rpm` tasks of exactly the packages
 * that its build root is made of, and has their records as inputs: when a rebuilt package has the
 * same output, its record is the same, and nothing that depends on it runs.
 */
export function packageProject(
  entry: StackPackage,
  buildClosure: readonly string[],
  base: string,
): ProjectConfiguration {
  const { name } = entry;
  return {
    name,
    root: entry.displayFolder,
    projectType: "library",
    tags: ["rpm"],
    metadata: { description: entry.model.packages[0]?.summary ?? name },
    targets: {
      rpm: {
        ...command(`./cleanroom rpm build ${name}`, `Build the RPMs of ${name}`),
        cache: true,
        dependsOn: [
          { projects: [base], target: "import" },
          ...(buildClosure.length === 0 ? [] : [{ projects: [...buildClosure], target: "rpm" }]),
        ],
        inputs: [
          "{projectRoot}/**/*",
          `{workspaceRoot}/specs/base/${base}/*.yaml`,
          "{workspaceRoot}/specs/profile/*.yaml",
          ...ownCode,
          { dependentTasksOutputFiles: "**/record.json" },
          // What npm installs for Cleanroom itself has no part in what a build writes.
          { externalDependencies: [] },
        ],
        outputs: [`{workspaceRoot}/dist/rpms/${name}`],
      },
      lint: {
        ...command(
          `./cleanroom spec lint ${entry.displayFolder}/${name}.spec`,
          `Check ${name}.spec`,
        ),
        cache: true,
        inputs: ["{projectRoot}/**/*", ...ownCode, { externalDependencies: [] }],
        outputs: [],
      },
    },
  };
}
