import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256 } from "@cleanroom/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeRegistry } from "./fake-registry-fixture.ts";
import { parseReference, RegistryClient } from "./registry-client.ts";
import { findCredentials } from "./registry-credentials.ts";

let registry: FakeRegistry;
let host: string;
let folder: string;

beforeEach(async () => {
  registry = new FakeRegistry();
  host = await registry.listen();
  folder = await mkdtemp(path.join(tmpdir(), "push-"));
});

afterEach(async () => {
  registry.close();
  await rm(folder, { recursive: true });
});

const bytes = Buffer.alloc(20 * 1024 * 1024, "all work and no play ");
const digest = `sha256:${sha256(bytes)}`;

async function push(client: RegistryClient): Promise<void> {
  const file = path.join(folder, "blob");
  await writeFile(file, bytes);
  await client.pushBlob(digest, file);
}

describe("a push", () => {
  test("sends a blob in parts, after which it is there", async () => {
    const client = new RegistryClient(parseReference(`${host}/me/hello:1`), undefined);
    expect(await client.hasBlob(digest)).toBe(false);
    await push(client);
    expect(await client.hasBlob(digest)).toBe(true);
    expect(registry.requests.filter((line) => line.startsWith("PATCH"))).toHaveLength(3);
  });

  test("goes on where the connection broke", async () => {
    registry.breakParts = 2;
    await push(new RegistryClient(parseReference(`${host}/me/hello`), undefined));
    expect(registry.blobs.get(digest)?.equals(bytes)).toBe(true);
  });

  test("gives up on a registry that never takes a part", async () => {
    registry.breakParts = 1000;
    const client = new RegistryClient(parseReference(`${host}/me/hello`), undefined);
    await expect(push(client)).rejects.toMatchObject({ code: "registry-failed" });
  });

  test("logs in with the credentials of the usual files", async () => {
    registry.account = "me:pass:word";
    const file = path.join(folder, "auth.json");
    const auth = Buffer.from("me:pass:word").toString("base64");
    await writeFile(file, JSON.stringify({ auths: { [host]: { auth } } }));
    const credentials = await findCredentials(host, { REGISTRY_AUTH_FILE: file });
    await push(new RegistryClient(parseReference(`${host}/me/hello`), credentials));
    expect(registry.blobs.has(digest)).toBe(true);
  });

  test("says that credentials are refused or missing", async () => {
    registry.account = "me:secret";
    for (const credentials of [undefined, { user: "me", password: "wrong" }]) {
      const client = new RegistryClient(parseReference(`${host}/me/hello`), credentials);
      await expect(client.hasBlob(digest)).rejects.toMatchObject({ code: "registry-unauthorized" });
    }
  });
});

test.each([
  ["localhost:5000/hello", { registry: "localhost:5000", repository: "hello", tag: "latest" }],
  ["example.org/a/b-c:1.0", { registry: "example.org", repository: "a/b-c", tag: "1.0" }],
  ["[::1]:5000/hello:x", { registry: "[::1]:5000", repository: "hello", tag: "x" }],
])("%s", (text, expected) => {
  expect(parseReference(text)).toEqual(expected);
});

test.each(["hello", "me/hello:1", "example.org/UPPER", "example.org/a:", "https://example.org/a"])(
  "%s is no place in a registry",
  (text) => {
    expect(() => parseReference(text)).toThrow("is not a place in a registry");
  },
);
