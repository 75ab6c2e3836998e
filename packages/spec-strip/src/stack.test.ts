import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { ruleName } from "./profile/rule.ts";
import { needsOfBuild, packageOfBuild, readStack } from "./stack.ts";

const options = { macros: { dist: ".x" }, arch: "x86_64" };

const spec = (name: string, before: string, files = ""): string => `${before}
Name: ${name}
Version: 1
Release: 1
Summary: The package ${name}
License: MIT
%if %{with more}
BuildRequires: scanner
%endif
%description
x
%files
${files}
`;

const glib = {
  "specs/rpm/glib/glib.spec": spec("glib", "%bcond more 1"),
  "specs/rpm/scanner/scanner.spec": spec("scanner", "BuildRequires: glib\nRequires: glib"),
};

async function workspaceOf(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), "stack-"));
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }
  return root;
}

test("a bootstrap stage is the same spec with its conditions switched", async () => {
  const root = await workspaceOf({
    ...glib,
    "specs/rpm/glib/package.yaml": "stages: { bootstrap: { without: [more] } }\n",
  });
  const stack = await readStack(root, options);
  expect(stack.order).toEqual(["scanner", "glib"]);
  const bootstrap = packageOfBuild(stack, { name: "glib", stage: "bootstrap" });
  expect(bootstrap.model.buildRequires).toEqual([]);
  expect(bootstrap.spec).toContain("%bcond more 0");
  expect(needsOfBuild(stack, { name: "glib", stage: undefined })).toEqual([
    { name: "glib", stage: "bootstrap" },
    { name: "scanner", stage: undefined },
  ]);
});

test("a stage that switches what the spec does not declare is refused", async () => {
  const root = await workspaceOf({
    ...glib,
    "specs/rpm/glib/package.yaml": "stages: { bootstrap: { without: [mroe] } }\n",
  });
  await expect(readStack(root, options)).rejects.toMatchObject({
    code: "stage-condition",
    hint: "it declares: more",
  });
});

test("profiles shape the text that is built and the graph, and say what they found", async () => {
  const root = await workspaceOf({
    ...glib,
    "specs/profile/parent.yaml": "description: first\nforbid: [scanner]\nbcond: { nothing: off }\n",
    "specs/profile/child.yaml":
      "description: second\ninherits: [parent]\npackages: { glib: { drop: { buildRequires: [scanner] } } }\n",
    "specs/rpm/glib/package.yaml": "profiles: [child]\n",
    "specs/rpm/scanner/package.yaml": "profiles: [child]\n",
  });
  const stack = await readStack(root, options);
  const entry = packageOfBuild(stack, { name: "glib", stage: undefined });
  expect(entry.spec).not.toContain("scanner");
  expect([...entry.matched].map(({ because }) => because)).toEqual(["second"]);
  expect(entry.forbidden).toEqual([]);
  expect(stack.order).toEqual(["glib", "scanner"]);
  expect(stack.unmatchedRules.map((rule) => ruleName(rule))).toEqual(["parent: bcond: nothing"]);
});

test("what is forbidden and left is known before anything is built", async () => {
  const root = await workspaceOf({
    "specs/rpm/glib/glib.spec": spec("glib", "%bcond more 1"),
    "specs/rpm/glib/package.yaml": "profiles: [no]\n",
    "specs/profile/no.yaml": "description: none\nforbid: [scanner]\n",
  });
  const { forbidden } = packageOfBuild(await readStack(root, options), {
    name: "glib",
    stage: undefined,
  });
  expect(forbidden).toMatchObject([{ dependency: "scanner", rule: "no: forbid: scanner" }]);
});

test("a profile that is not there names those that are", async () => {
  const root = await workspaceOf({
    ...glib,
    "specs/profile/slim.yaml": "description: small\n",
    "specs/rpm/glib/package.yaml": "profiles: [slmi]\n",
  });
  await expect(readStack(root, options)).rejects.toMatchObject({
    code: "profile-unknown",
    hint: "one of: slim",
  });
});
