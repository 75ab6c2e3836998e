import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import type { ImageContext } from "../context.ts";
import { chosenState } from "./chosen-state.ts";
import type { StateItem } from "./requested-state.ts";
import { rootMadeOf } from "./root-tree-fixture.ts";
import type { RootTree } from "./root-tree.ts";

async function tree(files: Readonly<Record<string, string>>): Promise<RootTree> {
  const root = await mkdtemp(path.join(tmpdir(), "chosen-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return rootMadeOf(root);
}

const context = {} as ImageContext;
const nothing = { certificates: false, locales: [] };

const texts = (items: readonly StateItem[]): Record<string, string> =>
  Object.fromEntries(
    items.map(({ path, content }) => [
      path,
      "link" in content ? `-> ${content.link}` : Buffer.from(content.bytes).toString(),
    ]),
  );

test("nothing is chosen where nothing is said", async () => {
  expect(await chosenState(context, nothing, await tree({}), [])).toEqual([]);
});

test("certificates of packages and of files/ are one file", async () => {
  const root = await tree({
    "usr/share/ca-certificates/mozilla/B.crt": "b\n",
    "usr/share/ca-certificates/mozilla/A.crt": "a",
    "usr/share/ca-certificates/README": "no",
  });
  const own = {
    ...{ path: "usr/local/share/ca-certificates/own.crt", mode: 0o644, uid: 0, gid: 0 },
    content: { bytes: Buffer.from("own\n") },
  };
  expect(
    texts(await chosenState(context, { ...nothing, certificates: true }, root, [own])),
  ).toEqual({
    "etc/ssl/certs/ca-certificates.crt": "own\na\nb\n",
    "etc/ssl/cert.pem": "-> certs/ca-certificates.crt",
  });
});

test("a time zone is a link, and must be there", async () => {
  const root = await tree({ "usr/share/zoneinfo/Europe/Berlin": "TZif" });
  const chosen = await chosenState(context, { ...nothing, timeZone: "Europe/Berlin" }, root, []);
  expect(texts(chosen)).toEqual({
    "etc/localtime": "-> ../usr/share/zoneinfo/Europe/Berlin",
    "etc/timezone": "Europe/Berlin\n",
  });
  await expect(
    chosenState(context, { ...nothing, timeZone: "Europe/Atlantis" }, root, []),
  ).rejects.toMatchObject({ code: "time-zone-missing" });
});

test("certificates that nobody brings are an error", async () => {
  await expect(
    chosenState(context, { ...nothing, certificates: true }, await tree({}), []),
  ).rejects.toMatchObject({
    code: "certificates-missing",
  });
});

test("locales that the base cannot compile are an error that says what to do", async () => {
  await expect(
    chosenState(context, { ...nothing, locales: ["de_DE.UTF-8"] }, await tree({}), []),
  ).rejects.toMatchObject({ code: "locales-unavailable" });
});
