import type { ProjectConfiguration } from "@nx/devkit";
import { command, ownCode } from "./target.ts";

/** The project that stands for all packages together. */
export const stackName = "stack";

/** The Nx project of the published repository: every package, built and signed. */
export function stackProject(packages: readonly string[]): ProjectConfiguration {
  return {
    name: stackName,
    root: "specs/rpm",
    projectType: "library",
    tags: ["repository"],
    targets: {
      publish: {
        ...command("./cleanroom repo publish", "Publish all packages as a signed generation"),
        // What clients see lives in the store, not in an output that Nx could bring back.
        cache: false,
        // The project has no file of its own, and Nx cannot hash the files of such a project.
        inputs: [{ dependentTasksOutputFiles: "**/record.json" }, { externalDependencies: [] }],
        dependsOn: packages.length === 0 ? [] : [{ projects: [...packages], target: "rpm" }],
      },
    },
  };
}

/**
 * The Nx project of an image.
 *
 * @param needs the packages of the stack that it is made of
 * @param tested whether e2e/NAME has tests of it: it gets a `smoke` target then
 */
export function imageProject(
  name: string,
  base: string,
  needs: readonly string[],
  tested: boolean,
): ProjectConfiguration {
  return {
    name,
    root: `specs/image/${name}`,
    projectType: "application",
    tags: ["image"],
    targets: {
      image: {
        ...command(`./cleanroom image build ${name}`, `Compose the image ${name}`),
        cache: true,
        dependsOn: [
          { projects: [base], target: "import" },
          ...(needs.length === 0 ? [] : [{ projects: [...needs], target: "rpm" }]),
        ],
        inputs: [
          "{projectRoot}/**/*",
          `{workspaceRoot}/specs/base/${base}/*.yaml`,
          ...ownCode,
          { dependentTasksOutputFiles: "**/record.json", transitive: true },
          { externalDependencies: [] },
        ],
        outputs: [`{workspaceRoot}/dist/images/${name}`],
      },
      ...(tested
        ? {
            smoke: {
              ...command(
                `./cleanroom test --desktop e2e/${name}/`,
                `Use the image ${name} as a user would, in a container and a browser`,
              ),
              // What a container does on this machine, no cache can know.
              cache: false,
              dependsOn: ["image"],
            },
          }
        : {}),
    },
  };
}
