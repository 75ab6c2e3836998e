import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, Store } from "@cleanroom/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { switchCurrent } from "../generation.ts";
import { type RepositoryServer, serve } from "./serve.ts";

const first = "1".repeat(16);
const second = "2".repeat(16);
const primary = `repodata/${"a".repeat(64)}-primary.xml.zst`;
const rpm = "Packages/h/hello-1-1.noarch.0123456789ab.rpm";

let folder: string;
let store: Store;
let server: RepositoryServer;

async function generation(id: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(store.path("repos/cleanroom/generations", id), name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "serve-"));
  store = await Store.open(path.join(folder, "store"), silentLogger);
  await writeFile(path.join(folder, "secret"), "secret");
  await generation(first, {
    "repodata/repomd.xml": "one",
    "cleanroom.repo": "[cleanroom]\nbaseurl=file:///elsewhere/\ngpgkey=file:///elsewhere/key\n",
    [primary]: "p",
    [rpm]: "0123456789",
  });
  await generation(second, { "repodata/repomd.xml": "two", ".hidden": "secret" });
  await switchCurrent(store, "cleanroom", first);
  server = await serve({ store, port: 0, logger: silentLogger });
});

afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a served repository", () => {
  test("is the current generation, from the moment of the switch", async () => {
    const text = async (): Promise<string> =>
      (await fetch(`${server.url}/repodata/repomd.xml`)).text();
    expect(await text()).toBe("one");
    await switchCurrent(store, "cleanroom", second);
    expect(await text()).toBe("two");
    expect(
      await (await fetch(`${server.url}/generations/${first}/repodata/repomd.xml`)).text(),
    ).toBe("one");
  });

  test("keeps older metadata and packages reachable, and cacheable for ever", async () => {
    await switchCurrent(store, "cleanroom", second);
    for (const name of [primary, rpm]) {
      const response = await fetch(`${server.url}/${name}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toContain("immutable");
    }
  });

  test("has repomd.xml asked for again each time, at no cost when it is the same", async () => {
    const url = `${server.url}/repodata/repomd.xml`;
    const response = await fetch(url);
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const etag = response.headers.get("etag") ?? "";
    expect(etag).toBe(`"${first}"`);
    // By hand, because fetch adds a "no-cache" of its own.
    const again = (): Promise<string> =>
      raw(
        `GET /repodata/repomd.xml HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${etag}\r\nConnection: close\r\n\r\n`,
      );
    expect(await again()).toMatch(/^HTTP\/1.1 304 /);
    await switchCurrent(store, "cleanroom", second);
    expect(await again()).toMatch(/^HTTP\/1.1 200 /);
  });

  test("sends ranges and heads", async () => {
    const part = await fetch(`${server.url}/${rpm}`, { headers: { Range: "bytes=2-4" } });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    const beyond = await fetch(`${server.url}/${rpm}`, { headers: { Range: "bytes=50-" } });
    expect(beyond.status).toBe(416);
    const head = await fetch(`${server.url}/${rpm}`, { method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["10", ""]);
  });

  test("says the same of a package whether all of it, a part or nothing of it is asked for", async () => {
    for (const size of [10, 300_000]) {
      const text = "x".repeat(size);
      const name = `Packages/b/b-${size}-1.noarch.0123456789ab.rpm`;
      await generation(first, { [name]: text });
      const get = await fetch(`${server.url}/${name}`);
      const head = await fetch(`${server.url}/${name}`, { method: "HEAD" });
      const all = await fetch(`${server.url}/${name}`, { headers: { Range: "bytes=0-" } });
      expect([get.status, head.status, all.status]).toEqual([200, 200, 206]);
      expect((await get.text()) === text).toBe(true);
      expect((await all.text()) === text).toBe(true);
      const others = new Set(["connection", "content-range", "date", "keep-alive"]);
      const headers = ({ headers: some }: Response): Record<string, string> =>
        Object.fromEntries([...some].filter(([key]) => !others.has(key)));
      expect(headers(get)).toEqual(headers(head));
      expect(headers(get)).toEqual(headers(all));
      expect(get.headers.get("etag")).toBe('"0123456789ab"');
    }
  });

  test("sends a package as it is now, and none that is gone or a folder", async () => {
    const url = `${server.url}/${rpm}`;
    expect(await (await fetch(url)).text()).toBe("0123456789");
    await generation(first, { [rpm]: "repaired" });
    expect(await (await fetch(url)).text()).toBe("repaired");
    const file = path.join(store.path("repos/cleanroom/generations", first), rpm);
    await rm(file);
    expect((await fetch(url)).status).toBe(404);
    await mkdir(file);
    expect((await fetch(url)).status).toBe(404);
  });

  test("names the address under which the client came in its .repo file", async () => {
    const text = await (await fetch(`http://localhost:${server.port}/cleanroom.repo`)).text();
    expect(text).toContain(`baseurl=http://localhost:${server.port}/\n`);
  });

  test("does not believe a Host header that is no host", async () => {
    const answer = await raw(
      'GET /cleanroom.repo HTTP/1.1\r\nHost: a"b/c d\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain(`baseurl=http://127.0.0.1:${server.port}/\n`);
  });

  test("takes nothing but GET and HEAD", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      expect((await fetch(`${server.url}/cleanroom.repo`, { method })).status).toBe(405);
    }
  });

  test("lets a download finish when it stops", async () => {
    await generation(first, { "Packages/big.rpm": "x".repeat(8_000_000) });
    const response = await fetch(`${server.url}/Packages/big.rpm`);
    const stopped = server.stop();
    expect((await response.arrayBuffer()).byteLength).toBe(8_000_000);
    await stopped;
  });

  test("refuses 1,000 hostile paths", async () => {
    await symlink(folder, path.join(folder, "loop"));
    const sent: string[] = [];
    for (const pathname of hostilePaths()) {
      const answer = await raw(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      const refused = /^HTTP\/1.1 4\d\d /.test(answer) && !/secret|root:/.test(answer);
      if (!refused) sent.push(pathname);
    }
    expect(sent).toEqual([]);
  });
});

/** Sends bytes as they are: fetch would tidy the path up first. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

function hostilePaths(): readonly string[] {
  const ups = [
    "..",
    "%2e%2e",
    "%2E.",
    "..%2f..",
    "..%5c..",
    "....//",
    "%252e%252e",
    "..;",
    "%c0%ae%c0%ae",
  ];
  const starts = ["/", "//", "/repodata/", "/Packages/", `/generations/${first}/`, "/%2f", "/./"];
  const targets = ["secret", "etc/passwd", "keys/cleanroom/key.json", ".hidden", "store/keys"];
  const built = starts.flatMap((start) =>
    ups.flatMap((up) =>
      [1, 3, 9].flatMap((depth) =>
        targets.map((target) => `${start}${`${up}/`.repeat(depth)}${target}`),
      ),
    ),
  );
  const others = [
    "/.hidden",
    "/repodata",
    "/repodata/",
    "/Packages",
    "/",
    "/generations/",
    "/current",
    "/%00",
    "/repodata/repomd.xml%00.asc",
    "/\\..\\..\\secret",
    "/%",
    "/%zz",
    "/generations/../../keys",
    `/generations/${second}/.hidden`,
    "/cleanroom.repo/",
    "/generation.json/..",
    "/file:///etc/passwd",
    "http://evil.example/etc/passwd",
    "/~root",
    "/proc/self/environ",
  ];
  const lists = [...others, ...built];
  expect(lists.length).toBeGreaterThan(950);
  return [
    ...lists,
    ...Array.from(
      { length: 1000 - lists.length + 1 },
      (_, index) => `/${"a/".repeat(index + 1)}../../secret`,
    ),
  ];
}
