import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RootTree } from "./root-tree.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "root-"));
  await mkdir(path.join(root, "usr/bin"), { recursive: true });
  await writeFile(path.join(root, "usr/bin/sh"), "");
  await symlink("usr/bin", path.join(root, "bin"));
  await symlink("/usr", path.join(root, "absolute"));
  await symlink("../../../../etc", path.join(root, "usr/out"));
  await symlink("loop", path.join(root, "loop"));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

test.each([
  ["/usr/bin/sh", "usr/bin/sh"],
  ["/bin/sh", "usr/bin/sh"],
  ["/absolute/bin/sh", "usr/bin/sh"],
  // A link itself is what is named, not what it leads to.
  ["/bin", "bin"],
  // No chain of .. leaves the root.
  ["/usr/out/passwd", "etc/passwd"],
  ["/loop/x", "loop/x"],
  ["/not/there", "not/there"],
])("%s is at %s", (named, real) => {
  expect(RootTree.read(root).locate(named)).toBe(real);
});
