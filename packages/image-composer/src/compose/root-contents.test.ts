import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { RpmFile, RpmHeader } from "rpm-parser";
import { expect, test } from "vitest";
import type { AdmittedPackage } from "../lock/admit-packages.ts";
import { divideRoot, type RootContents } from "./root-contents.ts";
import { RootTree } from "./root-tree.ts";

const file = (path: string, change: Partial<RpmFile> = {}): RpmFile =>
  ({
    ...{ index: 0, path, type: "file", mode: 0o100644, flags: [], user: "root", group: "root" },
    ...{ sizeBytes: 1, mtimeSeconds: 2, digest: "a", linkTarget: "", languages: "" },
    ...change,
  }) as RpmFile;

async function divided(...packages: readonly (readonly RpmFile[])[]): Promise<RootContents> {
  const headers = packages.map(
    (files, at) => ({ nevra: `p${at}-1-1.noarch`, files }) as unknown as RpmHeader,
  );
  const root = {
    packages: packages.map((files, at) => ({
      ...{ sha256: "", files: `/layers/${at}`, states: new Uint8Array(files.length) },
      isActive: true,
    })),
    changes: await mkdtemp(path.join(tmpdir(), "contents-")),
    removed: [],
  };
  const admitted = headers.map((header) => ({ header }) as unknown as AdmittedPackage);
  return divideRoot(new RootTree(root, headers), admitted, () => false);
}

const link = file("/bin", { type: "symlink", linkTarget: "usr/bin" });

test("a file that packages share is the first one's", async () => {
  const { pieces } = await divided([file("/usr/bin/x")], [link], [file("/bin/x")]);
  expect(pieces.map((piece) => piece.map(({ path, hostPath }) => [path, hostPath]))).toEqual([
    [["usr/bin/x", "/layers/0/usr/bin/x"]],
    [["bin", "/layers/1/bin"]],
    [],
  ]);
});

test("packages that have another file each in one place are named", async () => {
  const other = file("/bin/x", { digest: "b" });
  await expect(divided([file("/usr/bin/x")], [link], [other])).rejects.toMatchObject({
    code: "file-conflict",
    message: "/usr/bin/x is in p0-1-1.noarch and, otherwise, in p2-1-1.noarch",
  });
});

test("a ghost conflicts with nothing", async () => {
  const ghost = file("/bin/x", { digest: "", flags: ["ghost"] });
  await expect(divided([file("/usr/bin/x")], [link], [ghost])).resolves.toBeDefined();
});
