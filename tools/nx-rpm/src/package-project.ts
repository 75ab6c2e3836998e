import { type BuildId, needsOfBuild, type Stack, type StackPackage } from "@cleanroom/spec-strip";
import type { ProjectConfiguration, TargetConfiguration } from "@nx/devkit";
import { command, ownCode } from "./target.ts";

/** The target that makes a build: `rpm`, or `rpm-bootstrap` for that stage. */
function targetName(stage: BuildId["stage"]): string {
  return stage === undefined ? "rpm" : `rpm-${stage}`;
}

/**
 * The Nx project of one spec. Its `rpm` task depends on the tasks of exactly the builds that its
 * build root is made of, and has their records as inputs: when a rebuilt package has the same
 * output, its record is the same, and nothing that depends on it runs. Where the package has a
 * bootstrap stage that a cycle needs, `rpm-bootstrap` is the task of that.
 */
export function packageProject(
  stack: Stack,
  entry: StackPackage,
  base: string,
): ProjectConfiguration {
  const { name } = entry;
  const builds = stack.builds.order.filter((build) => build.name === name);
  return {
    name,
    root: entry.displayFolder,
    projectType: "library",
    tags: ["rpm"],
    metadata: { description: entry.model.packages[0]?.summary ?? name },
    targets: {
      ...Object.fromEntries(
        builds.map((build) => [targetName(build.stage), buildTarget(stack, build, base)]),
      ),
      srpm: {
        ...command(`./cleanroom rpm srpm ${name}`, `Make the source RPM of ${name}`),
        cache: true,
        dependsOn: ["rpm"],
        inputs: buildInputs(base),
        outputs: [`{workspaceRoot}/dist/srpms/${name}`],
      },
      lint: {
        ...command(
          `./cleanroom spec lint ${entry.displayFolder}/${name}.spec && ./cleanroom rpm lint ${name}`,
          `Check ${name}.spec and the RPMs of ${name} with rpmlint`,
        ),
        cache: true,
        dependsOn: ["rpm"],
        inputs: ["{workspaceRoot}/specs/rpm/rpmlint.toml", ...buildInputs(base)],
        outputs: [],
      },
    },
  };
}

function buildTarget(stack: Stack, build: BuildId, base: string): TargetConfiguration {
  const { name, stage } = build;
  const needs = needsOfBuild(stack, build);
  const dependsOn = (["bootstrap", undefined] as const).flatMap((of) => {
    const projects = needs.flatMap((one) => (one.stage === of ? [one.name] : []));
    return projects.length === 0 ? [] : [{ projects, target: targetName(of) }];
  });
  return {
    ...(stage === undefined
      ? command(`./cleanroom rpm build ${name}`, `Build the RPMs of ${name}`)
      : command(
          `./cleanroom rpm build ${name} --stage ${stage}`,
          `Build the ${stage} stage of ${name}, for what its last build needs`,
        )),
    cache: true,
    dependsOn: [{ projects: [base], target: "import" }, ...dependsOn],
    inputs: buildInputs(base),
    outputs: [
      stage === undefined
        ? `{workspaceRoot}/dist/rpms/${name}`
        : `{workspaceRoot}/dist/stages/${stage}/${name}`,
    ],
  };
}

function buildInputs(base: string): NonNullable<TargetConfiguration["inputs"]> {
  return [
    "{projectRoot}/**/*",
    `{workspaceRoot}/specs/base/${base}/*.yaml`,
    "{workspaceRoot}/specs/profile/*.yaml",
    ...ownCode,
    { dependentTasksOutputFiles: "**/record.json" },
    // What npm installs for Cleanroom itself has no part in what a build writes.
    { externalDependencies: [] },
  ];
}
