import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ActionResult } from "../action-result.ts";
import { sha256 } from "../digest.ts";
import type { Logger } from "../log.ts";
import { Store } from "../store.ts";
import { HttpCache, type HttpLimits, usualLimits } from "./http-cache.ts";
import { RemoteStore } from "./remote-store.ts";
import { signResult } from "./signed-result.ts";
import { resultKey, type ResultKey } from "./signing-key.ts";

/** How the server treats one request; undefined: as an honest one. */
type Lie = (request: IncomingMessage, response: ServerResponse) => void;

const limits: HttpLimits = { ...usualLimits, retryAfterMs: 1 };

/** For servers that are never done, however long one waits. */
const impatient: HttpLimits = { ...limits, answerMs: 150, stallMs: 150, bytesPerSecond: 1 << 24 };

let folder: string;
let files: Map<string, Buffer>;
let server: Server;
let url: URL;
let lie: { readonly on: RegExp; readonly by: Lie } | undefined;
let requests: string[];
let warnings: string[];
let infos: string[];
let signer: ResultKey;

const logger: Logger = {
  info: (message) => infos.push(message),
  warning: (message) => warnings.push(message),
  error: () => undefined,
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "remote-"));
  signer = await resultKey(path.join(folder, "signer.pem"));
  files = new Map();
  requests = [];
  warnings = [];
  infos = [];
  lie = undefined;
  server = createServer((request, response) => {
    const { method = "", url: location = "" } = request;
    requests.push(`${method} ${location}`);
    if (lie?.on.test(`${method} ${location}`) === true) lie.by(request, response);
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** An honest cache. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const location = request.url ?? "";
  if (request.method === "PUT") {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      files.set(location, Buffer.concat(pieces));
      response.writeHead(201).end();
    });
    return;
  }
  const file = files.get(location);
  if (file === undefined) response.writeHead(404).end();
  else {
    response.writeHead(200, { "content-length": file.length });
    response.end(request.method === "HEAD" ? undefined : file);
  }
}

interface StoreOptions {
  readonly trusted?: readonly string[];
  readonly writes?: boolean;
  readonly pushesKnown?: boolean;
  readonly address?: URL;
  readonly limits?: HttpLimits;
}

async function storeWith(name: string, options: StoreOptions = {}): Promise<Store> {
  const { trusted = [signer.publicKey], writes = false, pushesKnown = false } = options;
  const remote = new RemoteStore({
    cache: new HttpCache(options.address ?? url, undefined, options.limits ?? limits),
    trusted: new Set(trusted),
    signer: writes ? signer : undefined,
    pushesKnown,
    logger,
  });
  return Store.open(path.join(folder, name), logger, async () => remote);
}

const key = sha256("some action");
const shared = { shared: true };
/** More than one piece, and no two alike. */
const large = Buffer.from(Array.from({ length: 40_000 }, (_, index) => index).join(" "));

async function make(store: Store): Promise<ActionResult> {
  const outputs = [
    { name: "large", ...(await store.put(large)) },
    { name: "small", ...(await store.put("small")) },
    { name: "empty", ...(await store.put("")) },
  ];
  const result = { outputs, facts: { package: "a" } };
  await store.putAction(key, result, shared);
  return result;
}

async function contents(store: Store, { outputs }: ActionResult): Promise<unknown> {
  const found = await Promise.all(
    outputs.map(async ({ name, sha256: digest }) => {
      const file = await store.blob(digest);
      return [name, file === undefined ? undefined : (await readFile(file)).equals(large)];
    }),
  );
  return Object.fromEntries(found) as unknown;
}

describe("an honest server", () => {
  test("what one store makes and writes, another gets without making it", async () => {
    const result = await make(await storeWith("first", { writes: true }));
    expect([...files.keys()].toSorted()).toEqual(
      [`/ac/${key}`, ...result.outputs.map((one) => `/cas/${one.sha256}`)].toSorted(),
    );
    const second = await storeWith("second");
    expect(await second.action(key, shared)).toEqual(result);
    expect(await contents(second, result)).toEqual({ large: true, small: false, empty: false });
    expect(warnings).toEqual([]);
    expect(infos).toEqual([
      expect.stringMatching(/^a: written to http:.* \(0\.2 MB\)$/),
      expect.stringMatching(/^a: fetched from http:.* \(0\.2 MB\)$/),
    ]);
  });

  test("what came once is not asked for again", async () => {
    const result = await make(await storeWith("first", { writes: true }));
    await (await storeWith("second")).action(key, shared);
    requests = [];
    expect(await (await storeWith("second")).action(key, shared)).toEqual(result);
    expect(requests).toEqual([]);
  });

  test("only what is shared is asked for or written", async () => {
    const first = await storeWith("first", { writes: true });
    await first.putAction(key, { outputs: [], facts: {} });
    await (await storeWith("second")).action(key);
    expect(requests).toEqual([]);
  });

  test("without the wish to write nothing is written", async () => {
    await make(await storeWith("first"));
    expect(files.size).toBe(0);
  });

  test("what is missing is asked for once, and is no failure", async () => {
    const store = await storeWith("first");
    expect(await store.action(key, shared)).toBeUndefined();
    expect(await store.action(key, shared)).toBeUndefined();
    expect(requests).toEqual([`GET /ac/${key}`]);
    expect(warnings).toEqual([]);
  });

  test("a result that is there is not written again, and its blobs neither", async () => {
    await make(await storeWith("first", { writes: true }));
    requests = [];
    await make(await storeWith("second", { writes: true }));
    expect(requests).toEqual([`GET /ac/${key}`]);
    files.delete(`/ac/${key}`);
    requests = [];
    await make(await storeWith("third", { writes: true }));
    expect(requests.filter((one) => one.startsWith("PUT"))).toEqual([`PUT /ac/${key}`]);
  });

  test("what a store had before is written when that is wanted", async () => {
    await make(await storeWith("first"));
    await (await storeWith("first", { writes: true })).action(key, shared);
    expect(files.size).toBe(0);
    await (await storeWith("first", { writes: true, pushesKnown: true })).action(key, shared);
    expect(files.size).toBe(4);
  });

  test("a blob that is lost here alone comes by its digest, whoever signed the result", async () => {
    const result = await make(await storeWith("first", { writes: true }));
    const store = await storeWith("first", { trusted: [] });
    const { sha256: digest = "" } = result.outputs[0] ?? {};
    await rm(path.join(folder, "first", "cas", digest.slice(0, 2), digest));
    expect(await store.action(key, shared)).toEqual(result);
    expect(await contents(store, result)).toMatchObject({ large: true });
  });

  test("a result that nobody trusted signed is not used, and who signed it is said once", async () => {
    await make(await storeWith("first", { writes: true }));
    const store = await storeWith("second", { trusted: [] });
    expect(await store.action(key, shared)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining(`that ${signer.publicKey} signed`)]);
    expect(requests.filter((one) => one.startsWith("GET /cas"))).toEqual([]);
  });

  test("user and password of the address are sent, and never shown", async () => {
    const address = new URL(url);
    address.username = "me";
    address.password = "p%40ss";
    let authorization: string | undefined;
    lie = {
      on: /^GET/,
      by: (request, response) => {
        authorization = request.headers.authorization;
        response.writeHead(403).end();
      },
    };
    await (await storeWith("first", { address })).action(key, shared);
    expect(authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`);
    expect(warnings.join("\n")).toContain("HTTP 403");
    expect(warnings.join("\n")).not.toContain("ss@");
  });
});

const send =
  (status: number, body: string | Buffer = "", headers: Record<string, string> = {}): Lie =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };

/** Writes for as long as anybody listens. */
const endless: Lie = (_request, response) => {
  const more = (): void => {
    if (response.destroyed) return;
    response.write(Buffer.alloc(1 << 16));
    setImmediate(more);
  };
  more();
};

const changed = Buffer.from(large);
changed[changed.length - 1] = 0;

const lies: Readonly<Record<string, Lie>> = {
  fails: send(500),
  "is overloaded": send(503),
  refuses: send(403),
  "leads elsewhere": send(302, "", { location: "http://127.0.0.1:1/elsewhere" }),
  "has nothing": send(404),
  "sends nothing": send(200),
  "sends a page": send(200, "<html>It works!</html>"),
  "sends too much": send(200, Buffer.alloc(8 << 20)),
  "sends too little": send(200, large.subarray(0, 1000)),
  "says another length": (_request, response) => {
    response.writeHead(200, { "content-length": 10 }).end("much more than that, or less");
    response.socket?.destroy();
  },
  "hangs up": (request) => request.socket.destroy(),
  "hangs up in the middle": (_request, response) => {
    response.writeHead(200, { "content-length": large.length });
    response.write(large.subarray(0, 100_000), () => response.socket?.destroy());
  },
  "sends other bytes of the same size": send(200, changed),
  "sends bytes that unpack to many": send(200, gzipSync(Buffer.alloc(64 << 20)), {
    "content-encoding": "gzip",
  }),
  "speaks no HTTP": (request) => request.socket.end("220 mail.example.org ESMTP\r\n"),
};

const neverDone: Readonly<Record<string, Lie>> = {
  "never answers": () => undefined,
  "never ends": endless,
  "answers a byte at a time": (_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("a"), 20);
    response.once("close", () => clearInterval(timer));
  },
  "stops in the middle": (_request, response) => {
    response.writeHead(200);
    response.write("begin");
  },
};

describe("a server that lies or fails", () => {
  let honest: ActionResult;

  beforeEach(async () => {
    honest = await make(await storeWith("first", { writes: true }));
    requests = [];
  });

  /** Nothing was taken that is not what it says it is, and nothing half-taken is left. */
  async function expectClean(name: string): Promise<void> {
    const store = await Store.open(path.join(folder, name), logger);
    expect(await store.verifyBlobs()).toMatchObject({ damaged: 0 });
    expect(await readdir(path.join(folder, name, "tmp"))).toEqual([]);
    expect(await store.action(key)).toBeUndefined();
  }

  const all = [
    ...Object.entries(lies).map(([name, by]) => ({ name, by, limits })),
    ...Object.entries(neverDone).map(([name, by]) => ({ name, by, limits: impatient })),
  ];

  describe.each(all)("and $name", ({ by, limits: patience }) => {
    test("for action results", async () => {
      lie = { on: /^GET \/ac\//, by };
      const store = await storeWith("second", { limits: patience });
      expect(await store.action(key, shared)).toBeUndefined();
      await expectClean("second");
    });

    test("for blobs", async () => {
      lie = { on: /^GET \/cas\//, by };
      const store = await storeWith("second", { limits: patience });
      expect(await store.action(key, shared)).toBeUndefined();
      await expectClean("second");
      // What was made here in its place is whole, and mends what is there.
      lie = undefined;
      const again = await storeWith("second", { writes: true });
      expect(await make(again)).toEqual(honest);
    });

    test("when something is written", async () => {
      files.clear();
      lie = { on: /^(?:PUT|HEAD)/, by };
      const store = await storeWith("second", { writes: true, limits: patience });
      expect(await make(store)).toEqual(honest);
      expect(await store.action(key)).toEqual(honest);
    });
  });

  const forged = (change: (envelope: { payload: string }) => unknown): Lie => {
    return (_request, response) => {
      const envelope = JSON.parse(signResult(key, honest, signer)) as { payload: string };
      response.writeHead(200).end(JSON.stringify(change(envelope)));
    };
  };

  test("an output is changed, and the signature with it is not", async () => {
    const evil = "rm -rf /";
    files.set(`/cas/${sha256(evil)}`, Buffer.from(evil));
    const by = forged((envelope) => {
      const body = Buffer.from(envelope.payload, "base64").toString();
      const { sha256: digest = "" } = honest.outputs[1] ?? {};
      const other = body.replace(digest, sha256(evil)).replace('"size":5', '"size":8');
      return { ...envelope, payload: Buffer.from(other).toString("base64") };
    });
    lie = { on: /^GET \/ac\//, by };
    const store = await storeWith("second");
    expect(await store.action(key, shared)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("a signature that is not right")]);
    expect(await store.blob(sha256(evil))).toBeUndefined();
  });

  test("a signed result of another action is sent", async () => {
    const other = signResult(sha256("another action"), honest, signer);
    lie = { on: /^GET \/ac\//, by: send(200, other) };
    expect(await (await storeWith("second")).action(key, shared)).toBeUndefined();
    expect(warnings).toEqual([expect.stringContaining("is that of another action")]);
  });

  test("it makes up keys: a few are named", async () => {
    let made = 0;
    const by: Lie = (_request, response) => {
      made += 1;
      const keyid = `ed25519:${Buffer.alloc(32, made).toString("base64")}`;
      forged((envelope) => ({ ...envelope, signatures: [{ keyid, sig: "" }] }))(_request, response);
    };
    lie = { on: /^GET \/ac\//, by };
    const store = await storeWith("second");
    for (const one of Array.from({ length: 20 }, (_, index) => sha256(String(index)))) {
      expect(await store.action(one, shared)).toBeUndefined();
    }
    expect(warnings).toHaveLength(5);
  });

  test("one that fails is left alone after three failures", async () => {
    lie = { on: /^GET/, by: send(500) };
    const store = await storeWith("second");
    for (const one of ["a", "b", "c", "d", "e"]) await store.action(sha256(one), shared);
    expect(requests).toHaveLength(3 * usualLimits.attempts);
    expect(warnings).toHaveLength(3);
    expect(warnings[2]).toMatch(/HTTP 500; nothing is asked of it for 60 s$/);
  });

  test.each(["never answers", "refuses"])("one that %s is left alone at once", async (name) => {
    lie = { on: /^GET/, by: (lies[name] ?? neverDone[name]) as Lie };
    const store = await storeWith("second", { limits: impatient });
    for (const one of ["a", "b", "c"]) await store.action(sha256(one), shared);
    expect(requests).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });

  test.each(["hangs up", "is overloaded"])(
    "one that %s now and then is asked again",
    async (name) => {
      const failed = new Set<string | undefined>();
      const by: Lie = (request, response) => {
        if (failed.has(request.url)) answer(request, response);
        else lies[name]?.(request, response);
        failed.add(request.url);
      };
      lie = { on: /^GET/, by };
      const store = await storeWith("second");
      expect(await store.action(key, shared)).toEqual(honest);
      expect(await contents(store, honest)).toMatchObject({ large: true });
      expect(warnings).toEqual([]);
    },
  );

  test("one that has no room is not written to any more, and still read", async () => {
    files.delete(`/ac/${key}`);
    files.delete(`/cas/${honest.outputs[0]?.sha256}`);
    lie = { on: /^PUT/, by: send(507) };
    const store = await storeWith("second", { writes: true });
    await make(store);
    await store.putAction(sha256("next"), { outputs: [], facts: {} }, shared);
    expect(requests.filter((one) => one.startsWith("PUT"))).toHaveLength(1);
    expect(warnings).toEqual([
      expect.stringMatching(/HTTP 507; nothing is written there for 60 s$/),
    ]);
    lie = undefined;
    files.set(`/ac/${sha256("third")}`, Buffer.from(signResult(sha256("third"), honest, signer)));
    files.set(`/cas/${honest.outputs[0]?.sha256}`, large);
    expect(await store.action(sha256("third"), shared)).toEqual(honest);
  });

  test("a blob that is damaged there is written anew by who had to make it again", async () => {
    const damaged = `/cas/${honest.outputs[0]?.sha256}`;
    files.set(damaged, changed);
    const store = await storeWith("second", { writes: true });
    expect(await store.action(key, shared)).toBeUndefined();
    await make(store);
    expect(files.get(damaged)?.equals(large)).toBe(true);
    expect(await (await storeWith("third")).action(key, shared)).toEqual(honest);
  });

  test("nobody listens", async () => {
    await new Promise((resolve) => {
      server.closeAllConnections();
      server.close(resolve);
    });
    const store = await storeWith("second", { writes: true });
    expect(await store.action(key, shared)).toBeUndefined();
    expect(await make(store)).toEqual(honest);
    expect(warnings.join("\n")).toContain("ECONNREFUSED");
  });
});
