import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { sha256, silentLogger, Store } from "@cleanroom/core";
import { evaluateSpec, macrosFromRecord, parseSpec, standardMacros } from "rpm-parser";
import type { StackPackage } from "@cleanroom/spec-strip";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type DebianSources,
  fetchSources,
  type SourceInput,
  sourceInputs,
  verifySources,
} from "./sources.ts";
import { readSourcesLock, writeSourcesLock } from "./sources-lock.ts";

const archive = Buffer.from("the archive ".repeat(10_000));
const digest = sha256(archive);

let folder: string;
let store: Store;
let server: Server;
let requests: (string | undefined)[];
/** What the server does with a request for the archive. */
let answer: (send: Readonly<Record<"whole" | "half" | "wrong" | "none", () => void>>) => void;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "sources-"));
  store = await Store.open(path.join(folder, "store"), silentLogger);
  requests = [];
  answer = ({ whole }) => whole();
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const status = from === 0 ? 200 : 206;
    const rest = archive.subarray(from);
    const headers = { "content-length": String(rest.length) };
    answer({
      whole: () => response.writeHead(status, headers).end(rest),
      half: () => {
        response.writeHead(status, headers).write(rest.subarray(0, 50_000), () => {
          response.destroy();
        });
      },
      wrong: () => response.writeHead(200).end("something else"),
      none: () => response.writeHead(404).end(),
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(() => server.close());

const noDebian: DebianSources = {
  files: () => Promise.resolve([]),
  fetch: () => Promise.reject(new Error("not there")),
};

async function entryWith(
  from: ("url" | { deb: string; version: string; file: string })[],
): Promise<StackPackage> {
  const { port } = server.address() as { port: number };
  const spec = `Name: a
Version: 1
Release: 1
Summary: a
License: MIT
Source0: http://127.0.0.1:${port}/a-1.tar
Patch0: fix.patch
%description
a
`;
  const options = { macros: macrosFromRecord({}, standardMacros()), target: "x86_64" };
  await writeFile(path.join(folder, "fix.patch"), "patch");
  await writeSourcesLock(folder, [{ file: "a-1.tar", sha256: digest, size: archive.length, from }]);
  const { package: model } = evaluateSpec(parseSpec(spec, "a.spec"), options);
  return {
    name: "a",
    stage: undefined,
    matched: new Set(),
    forbidden: [],
    forbid: [],
    folder,
    displayFolder: "specs/rpm/a",
    spec,
    model: { ...model, provides: [], hasTests: false },
    significant: spec,
    buildNeeds: [],
    runtimeNeeds: [],
    buildSeconds: undefined,
    cutoff: "content",
  };
}

async function inputsOf(entry: StackPackage): Promise<readonly SourceInput[]> {
  return sourceInputs(store, entry, await readSourcesLock(entry.folder, entry.displayFolder));
}

test("a source comes from the spec's address, once", async () => {
  const entry = await entryWith(["url"]);
  expect(await fetchSources(store, entry, noDebian, silentLogger)).toBe(1);
  expect(await fetchSources(store, entry, noDebian, silentLogger)).toBe(0);
  expect(requests).toHaveLength(1);
  expect(await inputsOf(entry)).toEqual([
    { file: "a-1.tar", sha256: digest, origin: { blob: digest } },
    {
      file: "fix.patch",
      sha256: sha256("patch"),
      origin: { local: path.join(folder, "fix.patch") },
    },
  ]);
});

test("a transfer that was cut off goes on where it ended", async () => {
  const entry = await entryWith(["url"]);
  await writeFile(store.path("sources", `${digest}.partial`), archive.subarray(0, 50_000));
  expect(await fetchSources(store, entry, noDebian, silentLogger)).toBe(1);
  expect(requests).toEqual(["bytes=50000-"]);
});

test("a connection that breaks is a place that could not be had, and nothing is stored", async () => {
  const entry = await entryWith(["url"]);
  answer = ({ half }) => half();
  await expect(fetchSources(store, entry, noDebian, silentLogger)).rejects.toMatchObject({
    code: "source-unavailable",
  });
  expect(await verifySources(store, entry)).toEqual([{ file: "a-1.tar", state: "absent" }]);
});

test("a wrong digest is an error that names both, and nothing is stored", async () => {
  const entry = await entryWith(["url"]);
  answer = ({ wrong }) => wrong();
  const error: Error = await fetchSources(store, entry, noDebian, silentLogger).then(
    () => expect.unreachable(),
    (thrown: Error) => thrown,
  );
  expect(error.message).toContain(digest);
  expect(error.message).toContain(sha256("something else"));
  expect(await verifySources(store, entry)).toEqual([{ file: "a-1.tar", state: "absent" }]);
  expect(await readdir(store.path("sources"))).toEqual([]);
});

test("where nothing has it, every place that was tried is named, with the package and the digest", async () => {
  const entry = await entryWith(["url", { deb: "a", version: "1", file: "a_1.orig.tar" }]);
  answer = ({ none }) => none();
  await expect(fetchSources(store, entry, noDebian, silentLogger)).rejects.toMatchObject({
    place: { step: "a" },
    message: expect.stringMatching(
      new RegExp(
        `${digest}[^]*127\\.0\\.0\\.1:\\d+/a-1\\.tar: HTTP 404[^]*Debian source package a 1: `,
      ),
    ) as string,
  });
});

test("Debian's archive is the second place", async () => {
  const entry = await entryWith(["url", { deb: "a", version: "1", file: "a_1.orig.tar" }]);
  answer = ({ none }) => none();
  const file = { uri: "pool/a", file: "a_1.orig.tar", sha256: digest, size: archive.length };
  const debian: DebianSources = {
    files: () => Promise.resolve([file]),
    fetch: (_file, target) => writeFile(target, archive),
  };
  expect(await fetchSources(store, entry, debian, silentLogger)).toBe(1);
});

test("a source that is locked nowhere says what to do", async () => {
  const entry = await entryWith(["url"]);
  await writeSourcesLock(folder, []);
  await expect(inputsOf(entry)).rejects.toMatchObject({
    code: "source-unlocked",
    hint: "./cleanroom sources lock a",
  });
});
