import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ProjectConfiguration } from "@nx/devkit";
import { beforeAll, expect, test } from "vitest";
import { createDependencies, createNodes } from "./index.ts";

const spec = (name: string, more: string, files = ""): string => `Name: ${name}
Version: 1
Release: 1%{?dist}
Summary: The package ${name}
License: MIT
${more}
%description
x
%files
${files}
`;

const files: Readonly<Record<string, string>> = {
  "specs/base/debian-trixie/base.yaml": `kind: deb
suites: [{ name: trixie }]
arch: x86_64
tools: [rpm]
essential: [base-files]
build: [gcc]
macros: { dist: .x, _libdir: /usr/lib64 }
`,
  "specs/rpm/low/low.spec": spec("low", "", "%{_libdir}/pkgconfig/low-1.0.pc"),
  "specs/rpm/middle/middle.spec": spec(
    "middle",
    "BuildRequires: pkgconfig(low-1.0) >= 0.5\nRequires: data",
    "%{_libdir}/libmiddle.so.1",
  ),
  "specs/rpm/data/data.spec": spec("data", "", "%{_datadir}/data"),
  "specs/rpm/high/high.spec": spec("high", "BuildRequires: middle = 1\nBuildRequires: gcc"),
  "specs/image/picture/image.yaml": "base: debian-trixie\npackages: [middle, dash]\n",
  "specs/image/frame/image.yaml": "base: debian-trixie\npackages: [dash]\n",
  "e2e/picture/smoke.test.ts": "",
};

let root: string;
let projects: Record<string, ProjectConfiguration>;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "nx-rpm-"));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }
  const [, create] = createNodes;
  const context = { workspaceRoot: root, nxJsonConfiguration: {} };
  const [[, result] = []] = await create([], undefined, context);
  projects = (result?.projects ?? {}) as Record<string, ProjectConfiguration>;
});

const dependsOn = (project: string, target: string): unknown =>
  projects[project]?.targets?.[target]?.dependsOn;

test("every spec, base and image is a project, and the stack is one", () => {
  expect(Object.keys(projects).toSorted()).toEqual([
    "specs/base/debian-trixie",
    "specs/image/frame",
    "specs/image/picture",
    "specs/rpm",
    "specs/rpm/data",
    "specs/rpm/high",
    "specs/rpm/low",
    "specs/rpm/middle",
  ]);
});

test("a build comes after what its BuildRequires ask for, and what that asks for once installed", () => {
  const base = { projects: ["debian-trixie"], target: "import" };
  expect(dependsOn("specs/rpm/low", "rpm")).toEqual([base]);
  expect(dependsOn("specs/rpm/middle", "rpm")).toEqual([
    base,
    { projects: ["low"], target: "rpm" },
  ]);
  expect(dependsOn("specs/rpm/high", "rpm")).toEqual([
    base,
    { projects: ["data", "low", "middle"], target: "rpm" },
  ]);
});

test("an image comes after the packages of the stack that it is made of", () => {
  expect(dependsOn("specs/image/picture", "image")).toEqual([
    { projects: ["debian-trixie"], target: "import" },
    { projects: ["data", "middle"], target: "rpm" },
  ]);
});

test("an image that has tests is used as a user would by its smoke target", () => {
  const smoke = projects["specs/image/picture"]?.targets?.["smoke"];
  expect(smoke).toMatchObject({
    command: "./cleanroom test --desktop e2e/picture/",
    dependsOn: ["image"],
    cache: false,
  });
  expect(projects["specs/image/frame"]?.targets).not.toHaveProperty("smoke");
});

test("a build is known by its own files and by what its dependencies put out, not by how", () => {
  const target = projects["specs/rpm/high"]?.targets?.["rpm"];
  expect(target?.inputs).toContainEqual({ dependentTasksOutputFiles: "**/record.json" });
  expect(target?.inputs).toContainEqual({ externalDependencies: [] });
  expect(JSON.stringify(target?.inputs)).not.toContain("^");
  expect(target?.outputs).toEqual(["{workspaceRoot}/dist/rpms/high"]);
  expect(target?.cache).toBe(true);
});

test("edges name the file that says so", async () => {
  const edges = await createDependencies(undefined, { workspaceRoot: root } as never);
  expect(edges).toContainEqual({
    source: "middle",
    target: "low",
    sourceFile: "specs/rpm/middle/middle.spec",
    type: "static",
  });
  expect(edges).toContainEqual({ source: "stack", target: "high", type: "implicit" });
});
