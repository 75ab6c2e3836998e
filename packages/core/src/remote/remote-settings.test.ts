import path from "node:path";
import { expect, test } from "vitest";
import { jsonSchemaText, parseYaml } from "../yaml-file.ts";
import { type RemoteFile, remoteFileSchema, remoteSettings } from "./remote-settings.ts";

const key = `ed25519:${Buffer.alloc(32, 1).toString("base64")}`;
const other = `ed25519:${Buffer.alloc(32, 2).toString("base64")}`;
const file: RemoteFile = { url: "https://cache.example.org/store", mode: "read", trust: [key] };

test("the committed JSON Schema is that of remote.yaml", async () => {
  await expect(jsonSchemaText(remoteFileSchema, "A store that machines share")).toMatchFileSnapshot(
    path.resolve(import.meta.dirname, "../../../../specs/schemas/remote.json"),
  );
});

test("a file may name the URL alone", () => {
  const text = "url: http://cache.example.org\n";
  expect(parseYaml(text, remoteFileSchema, "remote.yaml")).toEqual({
    url: "http://cache.example.org",
    mode: "read",
    trust: [],
  });
});

test.each([
  ["url: ftp://example.org", "url: expected an http: or https: URL"],
  ["url: http://example.org\ntrust: [abc]", "trust.0: expected ed25519:"],
  ["url: http://example.org\nmode: write", "mode: "],
  ["url: http://example.org\ntrusted: []", 'unknown key "trusted"; did you mean "trust"?'],
])("%j is refused with its place", (text, message) => {
  expect(() => parseYaml(text, remoteFileSchema, "remote.yaml")).toThrow(message);
});

test("without file, environment and option there is none", () => {
  expect(remoteSettings(undefined, {})).toBeUndefined();
});

test("the environment wins over the file, and the command line over both", () => {
  const env = { CLEANROOM_REMOTE: "http://env.example.org" };
  expect(remoteSettings(file, {})?.url.hostname).toBe("cache.example.org");
  expect(remoteSettings(file, env)?.url.hostname).toBe("env.example.org");
  expect(remoteSettings(file, env, "http://named.example.org")?.url.hostname).toBe(
    "named.example.org",
  );
  expect(remoteSettings(file, env, "off")).toBeUndefined();
  expect(remoteSettings(file, { CLEANROOM_REMOTE: "off" })).toBeUndefined();
});

test("trusted keys of file and environment add up", () => {
  const env = {
    CLEANROOM_REMOTE_MODE: "read-write",
    CLEANROOM_REMOTE_TRUST: `${other}, ${key}`,
    CLEANROOM_REMOTE_TOKEN: "secret",
  };
  expect(remoteSettings(file, env)).toMatchObject({
    mode: "read-write",
    trust: [key, other],
    token: "secret",
  });
});

test.each([
  [{ CLEANROOM_REMOTE: "example.org" }, undefined, 'CLEANROOM_REMOTE is "example.org"'],
  [{}, "file:///cache", '--remote is "file:///cache"'],
  [{ CLEANROOM_REMOTE_MODE: "write" }, undefined, "CLEANROOM_REMOTE_MODE is write"],
  [{ CLEANROOM_REMOTE_TRUST: "abc" }, undefined, "CLEANROOM_REMOTE_TRUST has abc"],
])("%j is refused", (env, named, message) => {
  expect(() => remoteSettings(file, env, named)).toThrow(message);
});
