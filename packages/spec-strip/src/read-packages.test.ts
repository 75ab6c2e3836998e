import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { ruleName } from "./profile/rule.ts";
import {
  PackageFolderReader,
  type ReadBuild,
  type ReadPackage,
  specFiles,
} from "./read-package.ts";
import { readInThread, readPackages, readShare, sharedReading } from "./read-packages.ts";

const options = { macros: { dist: ".x" }, arch: "x86_64" };
const count = 70;
const nameOf = (index: number): string => `p${String(index).padStart(2, "0")}`;

let workspace: string;

async function write(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(workspace, file)), { recursive: true });
  await writeFile(path.join(workspace, file), text);
}

/** Each workspace has texts of its own, for those of others are remembered. */
beforeEach(async () => {
  workspace = await mkdtemp(path.join(tmpdir(), "packages-"));
  await write(
    "specs/profile/small.yaml",
    "description: small\ndrop: { buildRequires: [doxygen] }\nforbid: [x11]\n",
  );
  for (let index = 0; index < count; index += 1) {
    const name = nameOf(index);
    const needs = index % 3 === 0 ? "BuildRequires: doxygen, x11\n" : "";
    await write(
      `specs/rpm/${name}/${name}.spec`,
      `# Of ${workspace}
%bcond more 1
Name: ${name}
Version: 1
Release: 1%{?dist}
Summary: The package ${name}
License: MIT
${needs}%description
x
%check
# Two.
true
%files
/usr/share/${name}
`,
    );
    if (index % 3 !== 0) continue;
    const stage = index % 2 === 0 ? "stages: { bootstrap: { without: [more] } }\n" : "";
    await write(`specs/rpm/${name}/package.yaml`, `profiles: [small]\n${stage}`);
  }
});

/** All that was read, without the identity of rules. */
function facts(packages: readonly ReadPackage[]): unknown {
  const build = (one: ReadBuild | undefined): unknown =>
    one && {
      ...one,
      matched: [...one.matched].map((rule) => ruleName(rule)),
      forbid: one.forbid.map((rule) => ruleName(rule)),
    };
  return packages.map(({ last, bootstrap }) => [build(last), build(bootstrap)]);
}

async function readAlone(reader: PackageFolderReader): Promise<readonly ReadPackage[]> {
  const read: ReadPackage[] = [];
  for (const file of specFiles(workspace)) read.push(await reader.read(file));
  return read;
}

test("what another thread read is remembered here, and is the same", async () => {
  const alone = new PackageFolderReader(workspace, options);
  const read = facts(await readAlone(alone));
  expect(alone.evaluatedCount).toBe(count + 12);

  const reading = sharedReading(workspace, options, specFiles(workspace));
  await readInThread(reading);
  expect(reading.next[0]).toBeGreaterThanOrEqual(count);
  const after = new PackageFolderReader(workspace, options);
  expect(facts(await readAlone(after))).toEqual(read);
  expect(after.evaluatedCount).toBe(0);
});

test("however many threads read, it comes to the same, in order", async () => {
  const alone = await readPackages(workspace, options, Number.POSITIVE_INFINITY);
  const divided = await readPackages(workspace, options, 5);
  expect(divided.map(({ last }) => last.name)).toEqual(
    Array.from({ length: count }, (_, index) => nameOf(index)),
  );
  expect(facts(divided)).toEqual(facts(alone));
});

test("the first error in the order of names is the one that is told, whoever comes to it", async () => {
  for (const index of [65, 33, 34, 60]) {
    const name = nameOf(index);
    await write(`specs/rpm/${name}/${name}.spec`, `Name: ${name}\n%if 1\n# ${workspace}\n`);
  }
  const first = "specs/rpm/p33/p33.spec";
  for (const worthThreads of [Number.POSITIVE_INFINITY, 5, 30]) {
    await expect(readPackages(workspace, options, worthThreads)).rejects.toMatchObject({
      code: "spec-invalid",
      place: { file: first, line: 2, column: 1 },
    });
  }
});

test("after an error, nobody takes more", async () => {
  await write("specs/rpm/p03/package.yaml", "profiles: [none]\n");
  const reading = sharedReading(workspace, options, specFiles(workspace));
  const names: string[] = [];
  const reader = new PackageFolderReader(workspace, options);
  await readShare(reading, reader, (_file, { last }) => names.push(last.name));
  expect(names).toEqual(["p00", "p01", "p02"]);
  expect(reading.next[0]).toBe(count);
});
