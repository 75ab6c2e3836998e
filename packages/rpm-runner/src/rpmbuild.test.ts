import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256, silentLogger, Store } from "@cleanroom/core";
import type { StackPackage } from "@cleanroom/spec-strip";
import { expect, test } from "vitest";
import { failureHint, prepareSandbox } from "./rpmbuild.ts";

test("a source that was written to since it was planned is not built", async () => {
  const scratch = await mkdtemp(path.join(tmpdir(), "rpmbuild-"));
  const store = await Store.open(path.join(scratch, "store"), silentLogger);
  const local = path.join(scratch, "a.c");
  await writeFile(local, "int a;\n");
  const request = {
    entry: { name: "a", spec: "Name: a\n" } as StackPackage,
    sources: [{ file: "a.c", sha256: sha256("int a;\n"), origin: { local } }],
    macros: {},
    root: "/",
    logFile: path.join(scratch, "log"),
  };
  const prepare = async (folder: string): Promise<string> => {
    await prepareSandbox(store, { ...request, folder });
    return readFile(path.join(folder, "SOURCES/a.c"), "utf8");
  };
  const newFolder = (): Promise<string> => mkdtemp(path.join(scratch, "build-"));
  expect(await prepare(await newFolder())).toBe("int a;\n");
  await writeFile(local, "int b;\n");
  await expect(prepare(await newFolder())).rejects.toMatchObject({
    code: "source-changed",
    place: { file: local },
  });
});

test("the builder is a user that programs can look up", async () => {
  const scratch = await mkdtemp(path.join(tmpdir(), "rpmbuild-"));
  const store = await Store.open(path.join(scratch, "store"), silentLogger);
  const root = path.join(scratch, "root");
  await mkdir(path.join(root, "etc"), { recursive: true });
  await writeFile(path.join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  const folder = await mkdtemp(path.join(scratch, "build-"));
  const { mounts = [] } = await prepareSandbox(store, {
    entry: { name: "a", spec: "Name: a\n" } as StackPackage,
    sources: [],
    macros: {},
    root,
    folder,
    logFile: path.join(scratch, "log"),
  });
  const source = mounts.find(({ target }) => target === "/etc/passwd")?.source ?? "";
  expect(await readFile(source, "utf8")).toBe(
    "root:x:0:0:root:/root:/bin/sh\nbuilder:x:1000:1000::/builddir/home:/bin/sh\n",
  );
  // The root has no groups to add to.
  expect(mounts.some(({ target }) => target === "/etc/group")).toBe(false);
});

test.each([
  ["gcc: fatal error: Killed signal terminated program cc1plus", undefined, "memory was used up"],
  ["virtual memory exhausted: Cannot allocate memory", undefined, "memory was used up"],
  ["anything", "SIGKILL", "memory was used up"],
  ["cp: error writing 'a': No space left on device", undefined, "is full"],
  // A test that fails is a fault of the package's.
  ["14/14 dconf  TIMEOUT  30.20s   killed by signal 15 SIGTERM", undefined, "--shell-on-failure"],
])("after %j (%s) the hint is: %s", (log, signalName, hint) => {
  const entry = { name: "a" } as StackPackage;
  expect(failureHint(log, { entry }, signalName)).toContain(hint);
});
