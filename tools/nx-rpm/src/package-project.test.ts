import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { packageOfBuild, readStack } from "@cleanroom/spec-strip";
import { expect, test } from "vitest";
import { packageProject } from "./package-project.ts";

const spec = (name: string, more: string): string =>
  `Name: ${name}\nVersion: 1\nRelease: 1\nSummary: ${name}\nLicense: MIT\n${more}\n%description\nx\n%files\n`;

test("a bootstrap stage is a task of its own, with an output of its own", async () => {
  const root = await mkdtemp(path.join(tmpdir(), "nx-stage-"));
  for (const [name, more, settings] of [
    [
      "glib",
      "%bcond more 1\n%{?with_more:BuildRequires: scanner}",
      "stages: { bootstrap: { without: [more] } }\n",
    ],
    ["scanner", "BuildRequires: glib", ""],
  ] as const) {
    const folder = path.join(root, "specs/rpm", name);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, `${name}.spec`), spec(name, more));
    if (settings !== "") await writeFile(path.join(folder, "package.yaml"), settings);
  }
  const stack = await readStack(root, { macros: {}, arch: "x86_64" });
  const targetsOf = (name: string): ReturnType<typeof packageProject>["targets"] =>
    packageProject(stack, packageOfBuild(stack, { name, stage: undefined }), "base").targets;
  const base = { projects: ["base"], target: "import" };
  const { rpm, "rpm-bootstrap": bootstrap } = targetsOf("glib") ?? {};
  expect(bootstrap?.command).toBe("./cleanroom rpm build glib --stage bootstrap");
  expect(bootstrap?.outputs).toEqual(["{workspaceRoot}/dist/stages/bootstrap/glib"]);
  expect(bootstrap?.dependsOn).toEqual([base]);
  expect(rpm?.dependsOn).toEqual([
    base,
    // The scanner asks for glib once it is installed.
    { projects: ["glib"], target: "rpm-bootstrap" },
    { projects: ["scanner"], target: "rpm" },
  ]);
  const scanner = targetsOf("scanner");
  expect(Object.keys(scanner ?? {})).toEqual(["rpm", "srpm", "lint"]);
  expect(scanner?.["srpm"]).toMatchObject({
    command: "./cleanroom rpm srpm scanner",
    dependsOn: ["rpm"],
    inputs: scanner?.["rpm"]?.inputs,
    outputs: ["{workspaceRoot}/dist/srpms/scanner"],
  });
  expect(scanner?.["lint"]).toMatchObject({
    command: "./cleanroom spec lint specs/rpm/scanner/scanner.spec && ./cleanroom rpm lint scanner",
    dependsOn: ["rpm"],
    inputs: expect.arrayContaining(["{workspaceRoot}/specs/rpm/rpmlint.toml"]),
  });
  expect(scanner?.["rpm"]?.dependsOn).toEqual([
    base,
    { projects: ["glib"], target: "rpm-bootstrap" },
  ]);
});
