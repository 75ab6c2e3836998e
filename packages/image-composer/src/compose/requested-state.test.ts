import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addAccounts } from "./accounts.ts";
import { imageFileSchema } from "../image-file.ts";
import { readAddedFiles, requestedState } from "./requested-state.ts";
import { rootMadeOf } from "./root-tree-fixture.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "image-"));
  await mkdir(path.join(folder, "files/etc/app"), { recursive: true });
  await mkdir(path.join(folder, "files/bin"));
  await writeFile(path.join(folder, "files/etc/app/config"), "x = 1\n");
  await chmod(path.join(folder, "files/etc/app/config"), 0o600);
  await writeFile(path.join(folder, "files/bin/start"), "#!/bin/sh\n");
  await chmod(path.join(folder, "files/bin/start"), 0o700);
  await symlink("app/config", path.join(folder, "files/etc/link"));
  await mkdir(path.join(folder, "root/usr/bin"), { recursive: true });
  await symlink("usr/bin", path.join(folder, "root/bin"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function state(yaml: object): Promise<ReturnType<typeof requestedState>> {
  const image = imageFileSchema.parse({ base: "b", packages: ["p"], ...yaml });
  const accounts = addAccounts("", "", image.accounts);
  const tree = rootMadeOf(path.join(folder, "root"));
  return requestedState(image, await readAddedFiles(folder), tree, accounts);
}

describe("files/", () => {
  test("is root's, whatever the umask of the checkout was, and follows the root's links", async () => {
    const { items } = await state({});
    expect(items.map(({ path, mode, uid }) => [path, mode.toString(8), uid])).toEqual([
      ["usr/bin/start", "755", 0],
      ["etc/app/config", "644", 0],
      ["etc/link", "644", 0],
    ]);
    expect(items[2]?.content).toEqual({ link: "app/config" });
  });

  test("image.yaml gives owner and mode, adds files, links and directories", async () => {
    const { items, directories } = await state({
      accounts: { user: { uid: 1000, home: "/home/user" } },
      files: {
        "/etc/app/config": { mode: "0640", user: "user" },
        "/etc/motd": { content: "hello\n" },
        "/etc/localtime": { link: "../usr/share/zoneinfo/UTC" },
      },
      directories: { "/var/lib/app": { user: "user", mode: "0700" } },
    });
    const config = items.find((item) => item.path === "etc/app/config");
    expect(config).toMatchObject({ mode: 0o640, uid: 1000, gid: 1000 });
    expect(items.find((item) => item.path === "etc/localtime")?.content).toEqual({
      link: "../usr/share/zoneinfo/UTC",
    });
    expect(directories).toEqual([
      { path: "home/user", mode: 0o755, uid: 1000, gid: 1000 },
      { path: "var/lib/app", mode: 0o700, uid: 1000, gid: 1000 },
    ]);
  });

  test("owner of a file that is not there, and an unknown owner, are errors", async () => {
    await expect(state({ files: { "/etc/none": { mode: "0600" } } })).rejects.toThrow("/etc/none");
    const files = { "/etc/x": { content: "", user: "nobody" } };
    await expect(state({ files })).rejects.toThrow("the image has no user nobody");
  });
});

test("an image folder without files/ adds nothing", async () => {
  await rm(path.join(folder, "files"), { recursive: true });
  expect(await readAddedFiles(folder)).toEqual([]);
});
