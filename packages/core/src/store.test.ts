import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, expect, test } from "vitest";
import { sha256 } from "./digest.ts";
import { uniqueName } from "./files.ts";
import type { Logger } from "./log.ts";
import { defaultStoreFolder, Store } from "./store.ts";

let folder: string;
let warnings: string[];
let store: Store;

const logger: Logger = {
  info: () => undefined,
  warning: (message) => warnings.push(message),
  error: () => undefined,
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "store-"));
  warnings = [];
  store = await Store.open(folder, logger);
});

const blobFile = (digest: string): string => path.join(folder, "cas", digest.slice(0, 2), digest);

async function damage(digest: string): Promise<void> {
  await chmod(blobFile(digest), 0o644);
  await writeFile(blobFile(digest), "other bytes");
}

test("a blob comes back under its digest, read-only", async () => {
  const put = await store.put("hello");
  expect(put).toEqual({ sha256: sha256("hello"), size: 5 });
  const file = await store.blob(put.sha256);
  expect(await readFile(file ?? "", "utf8")).toBe("hello");
  expect((await stat(file ?? "")).mode & 0o777).toBe(0o444);
  expect(await readdir(path.join(folder, "tmp"))).toEqual([]);
});

test("an unknown blob is absent", async () => {
  expect(await store.blob(sha256("never"))).toBeUndefined();
});

test("a damaged blob is reported, set aside, never used, and can be made again", async () => {
  const { sha256: digest } = await store.put("hello");
  await damage(digest);
  expect(await store.blob(digest)).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining("damaged blob")]);
  expect(await readdir(path.join(folder, "damaged"))).toHaveLength(1);
  await store.put("hello");
  expect(await store.blob(digest)).toBeDefined();
});

test("a blob is verified by each process, and again when its file was written", async () => {
  const { sha256: digest } = await store.put("hello");
  const { mtime } = await stat(blobFile(digest));
  const write = async (text: string): Promise<void> => {
    await chmod(blobFile(digest), 0o644);
    await writeFile(blobFile(digest), text);
  };
  await write("jello");
  await utimes(blobFile(digest), mtime, mtime);
  const other = await Store.open(folder, logger);
  expect(await other.blob(digest)).toBeUndefined();
  await store.put("hello");
  expect(await store.blob(digest)).toBeDefined();
  await write("jelly");
  expect(await store.blob(digest)).toBeUndefined();
});

test("a blob is not put anywhere when its bytes are wrong", async () => {
  const { sha256: digest } = await store.put("hello");
  await damage(digest);
  const target = path.join(folder, "out/file");
  await expect(store.materialize(digest, target)).rejects.toMatchObject({ code: "blob-missing" });
  await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" });
});

test("an action result comes back while its outputs are there", async () => {
  const output = await store.put("out");
  const result = { outputs: [{ name: "a.rpm", ...output }], facts: { buildMs: 5 } };
  const key = sha256("key");
  await store.putAction(key, result);
  expect(await store.action(key)).toEqual(result);
  expect(await store.action(sha256("other"))).toBeUndefined();
});

test("an action result whose output is gone or has another size is unknown", async () => {
  const output = await store.put("out");
  const key = sha256("key");
  await store.putAction(key, { outputs: [{ name: "a.rpm", ...output }], facts: {} });
  await damage(output.sha256);
  expect(await store.action(key)).toBeUndefined();
});

test.each(["", "{", '{"sha256":"0","result":{"outputs":[],"facts":{}}}', "null"])(
  "a damaged action result %j is reported and unknown",
  async (text) => {
    const key = sha256("key");
    await store.putAction(key, { outputs: [], facts: {} });
    await writeFile(path.join(folder, "ac", key.slice(0, 2), key), text);
    expect(await store.action(key)).toBeUndefined();
    expect(warnings).toHaveLength(1);
  },
);

test("a lock lets one in at a time", async () => {
  const events: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    events.push(`${name} in`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    events.push(`${name} out`);
  };
  await Promise.all([store.withLock("one", work("a")), store.withLock("one", work("b"))]);
  expect(events.map((event) => event.split(" ")[1])).toEqual(["in", "out", "in", "out"]);
});

test("a lock is free again after a failure", async () => {
  await expect(store.withLock("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await store.withLock("x", () => Promise.resolve(1))).toBe(1);
});

test("what a killed run left is removed when the store is opened next", async () => {
  const [, own = ""] = uniqueName("x").split(".");
  const [namespace = ""] = own.split("-");
  // No process has this number: it is above the kernel's limit.
  const left = `build.${namespace}-4999999.abcdefabcdef`;
  const others = ["build.1-4999999.abcdefabcdef", uniqueName("mine"), "named"];
  for (const name of [left, ...others]) await mkdir(path.join(folder, "tmp", name));
  expect(await store.removeAbandoned()).toBe(1);
  expect((await readdir(path.join(folder, "tmp"))).toSorted()).toEqual(others.toSorted());
  // Of a process in another container nobody knows, until it was idle for a day.
  await utimes(path.join(folder, "tmp", others[0] ?? ""), 0, 0);
  expect(await store.removeAbandoned()).toBe(1);
});

test("a folder that goes away while abandoned ones are looked for is nobody's trouble", async () => {
  // Listed, and not there when it is looked at: what a race with its owner looks like.
  await symlink("nowhere", path.join(folder, "tmp", "build.1-4999999.abcdefabcdef"));
  await symlink("nowhere", path.join(folder, "roots", "gone"));
  expect(await store.removeAbandoned()).toBe(0);
  expect(await store.removeUnused(0)).toBe(0);
});

test("roots and compiler caches that nothing used for a while are removed, others stay", async () => {
  await mkdir(path.join(folder, "roots/old"));
  await mkdir(path.join(folder, "roots/new"));
  await mkdir(path.join(folder, "ccache/old"));
  for (const name of ["roots/old", "ccache/old"]) await utimes(path.join(folder, name), 0, 0);
  expect(await store.removeUnused(60_000)).toBe(2);
  expect(await readdir(path.join(folder, "ccache"))).toEqual([]);
  expect(await readdir(path.join(folder, "roots"))).toEqual(["new"]);
});

test("verifyBlobs counts the good and the damaged", async () => {
  await store.put("good");
  await damage((await store.put("bad")).sha256);
  expect(await store.verifyBlobs()).toEqual({ good: 1, damaged: 1 });
});

test("keys are for their owner alone", async () => {
  expect((await stat(path.join(folder, "keys"))).mode & 0o777).toBe(0o700);
});

test("the store is where the environment says, else in the user's cache folder", () => {
  expect(defaultStoreFolder({ CLEANROOM_STORE: "/s" })).toBe("/s");
  expect(defaultStoreFolder({ XDG_CACHE_HOME: "/c" })).toBe("/c/cleanroom");
  expect(defaultStoreFolder({ XDG_CACHE_HOME: "relative" })).toMatch(/\/\.cache\/cleanroom$/);
});

test("a file is taken in by its name's change", async () => {
  const temporary = await store.temporaryFolder("made");
  const file = path.join(temporary, "file");
  await writeFile(file, "made");
  expect(await store.takeFile(file)).toEqual({ sha256: sha256("made"), size: 4 });
  expect(await readdir(temporary)).toEqual([]);
  expect(await store.blob(sha256("made"))).toBe(blobFile(sha256("made")));
});
