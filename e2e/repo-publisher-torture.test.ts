import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { Agent, get } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { silentLogger, start, type StartedCommand, type Store, type Tools } from "@cleanroom/core";
import {
  currentGeneration,
  listGenerations,
  publish,
  type RepositoryServer,
  serve,
} from "@cleanroom/repo-publisher";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type BuiltPackage,
  buildPackages,
  clientRoot,
  dnf,
  freshStore,
  importedBase,
  makeClient,
  specText,
} from "./repo-publisher-fixture.ts";

const logger = silentLogger;
// In full it takes some minutes: CLEANROOM_TORTURE=full.
const full = process.env["CLEANROOM_TORTURE"] === "full";
const publishings = full ? 200 : 20;
const rawClients = 6;
const dnfClients = 2;
const kills = full ? 50 : 8;

let folder: string;
let tools: Tools;
let store: Store;
/** Two builds of each NEVRA: what a repository of packages under work looks like. */
let builds: readonly (readonly BuiltPackage[])[];
let server: RepositoryServer;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "torture-"));
  ({ tools } = await importedBase());
  store = await freshStore(folder);
  builds = await Promise.all(
    ["first", "second"].map((build) => {
      const names = Array.from({ length: 8 }, (_, index) => `package${index}`);
      const specs = names.map((name) => [name, specText(name, { body: `Provides: ${build}` })]);
      return buildPackages(tools, path.join(folder, build), Object.fromEntries(specs));
    }),
  );
  await publish({ store, tools, logger, packages: selection(0) });
  server = await serve({ store, port: 0, logger });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A set of packages for each number, its neighbours' different in most of its bits. */
function selection(number: number): readonly BuiltPackage[] {
  const bits = createHash("sha256").update(String(number)).digest();
  const chosen = (builds[0] ?? []).flatMap((_, index) => {
    const byte = bits[index] ?? 0;
    if (index > 0 && byte < 80) return [];
    return builds[byte % 2]?.[index] ?? [];
  });
  return chosen;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

function fetchPath(
  pathname: string,
  agent: Agent,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(`${server.url}/${pathname}`, { agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
      );
    }).on("error", reject);
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** One round of a client that checks everything it gets; what is wrong, if anything. */
async function readRepository(agent: Agent, name: string, round: number): Promise<string[]> {
  const headers = { "User-Agent": name };
  const problems: string[] = [];
  const fetchWhole = async (pathname: string, digest?: string): Promise<Buffer> => {
    const { status, body } = await fetchPath(pathname, agent, headers);
    if (status !== 200) problems.push(`${pathname}: ${status}`);
    else if (digest !== undefined && sha256(body) !== digest) problems.push(`${pathname}: digest`);
    return body;
  };
  const repomd = (await fetchWhole("repodata/repomd.xml")).toString();
  const signature = (await fetchWhole("repodata/repomd.xml.asc")).toString();
  if (!(await isSignatureOf(signature, repomd))) problems.push("repomd.xml.asc is of another");
  const metadata = [
    ...repomd.matchAll(/<checksum type="sha256">(\w+)<[^]*?<location href="([^"]+)"/g),
  ];
  if (metadata.length !== 3) problems.push(`repomd.xml has ${metadata.length} files`);
  let primary = "";
  for (const [, digest, location = ""] of metadata) {
    const bytes = await fetchWhole(location, digest);
    if (location.includes("primary") && problems.length === 0) {
      primary = zstdDecompressSync(bytes).toString();
    }
  }
  const packages = [
    ...primary.matchAll(/pkgid="YES">(\w+)<[^]*?package="(\d+)"[^]*?<location href="([^"]+)"/g),
  ];
  const [, digest = "", size = "0", location = ""] = packages[round % packages.length] ?? [];
  const middle = Math.floor(Number(size) / 2);
  const halves = await Promise.all(
    [`0-${middle}`, `${middle + 1}-`].map((range) =>
      fetchPath(location, agent, { ...headers, Range: `bytes=${range}` }),
    ),
  );
  if (halves.some(({ status }) => status !== 206)) problems.push(`${location}: no ranges`);
  if (sha256(Buffer.concat(halves.map(({ body }) => body))) !== digest) {
    problems.push(`${location}: digest of its halves`);
  }
  return problems;
}

/** Signatures are the same bytes each time, so gpg need not be asked again and again. */
async function isSignatureOf(signature: string, repomd: string): Promise<boolean> {
  const digest = sha256(Buffer.from(repomd));
  const generations = store.path("repos/cleanroom/generations");
  for (const id of await readdir(generations)) {
    const repodata = path.join(generations, id, "repodata");
    if (sha256(await readFile(path.join(repodata, "repomd.xml"))) !== digest) continue;
    if ((await readFile(path.join(repodata, "repomd.xml.asc"), "utf8")) === signature) return true;
  }
  return false;
}

test(`${publishings} publishings under the eyes of ${rawClients + dnfClients} clients`, async () => {
  const end = new AbortController();
  let rounds = 0;
  const problems: string[] = [];
  const raw = Array.from({ length: rawClients }, async (_, index) => {
    // Half of them make a new connection for each request; all of these look alike.
    const keepAlive = index % 2 === 0;
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    const name = keepAlive ? `raw ${index}` : "raw";
    for (let round = index; !end.signal.aborted; round++) {
      problems.push(...(await readRepository(agent, name, round)));
      rounds += 1;
      // Readers that never rest would leave the publisher no processor.
      await wait(10);
    }
    agent.destroy();
  });
  const real = Array.from({ length: dnfClients }, async (_, index) => {
    const repo = await (await fetch(`${server.url}/cleanroom.repo`)).text();
    const client = await makeClient(path.join(folder, `dnf${index}`), clientRoot(tools), repo);
    while (!end.signal.aborted) {
      const result = await dnf(client, ["makecache", "--refresh"]);
      if (result.exitCode !== 0) problems.push(`dnf: ${result.stderr}`);
      rounds += 1;
    }
  });
  for (let number = 1; number <= publishings; number++) {
    await publish({ store, tools, logger, packages: selection(number) });
  }
  end.abort();
  await Promise.all([...raw, ...real]);
  expect(problems).toEqual([]);
  expect(rounds).toBeGreaterThan(publishings);
});

/** The command lines of the processes that work in a folder. */
async function processesOf(folder: string): Promise<readonly string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(folder));
}

test(`a publisher killed ${kills} times leaves the old generation or the new one, whole`, async () => {
  const program = fileURLToPath(import.meta.resolve("./repo-publisher-program.ts"));
  const startPublisher = (number: number): StartedCommand => {
    const packages = selection(1000 + number).map(({ file }) => file);
    return start(process.execPath, [program, store.folder, tools.root, ...packages]);
  };
  const { durationMs, exitCode } = await startPublisher(-1).ended;
  expect(exitCode).toBe(0);
  const outcomes = { old: 0, new: 0 };
  for (let number = 0; number < kills; number++) {
    const before = (await currentGeneration(store))?.id;
    const publisher = startPublisher(number);
    // Anywhere in its run, the last part of it most of all, and a little after.
    const part = 0.3 + (number / kills) * 1.2;
    const timer = setTimeout(() => publisher.kill(), part * durationMs);
    await publisher.ended;
    clearTimeout(timer);
    // A connection of its own: by the next round the server may be closing an idle one.
    const agent = new Agent({ keepAlive: true });
    expect(await readRepository(agent, "raw", number)).toEqual([]);
    agent.destroy();
    const after = (await currentGeneration(store))?.id;
    outcomes[after === before ? "old" : "new"] += 1;
  }
  expect(outcomes.old).toBeGreaterThan(0);
  expect(outcomes.new).toBeGreaterThan(0);
  await expect.poll(() => processesOf(store.folder), { timeout: 20_000 }).toEqual([]);
  // What a killed publisher left behind must not stop the next one.
  const packages = selection(2000);
  const generation = await publish({ store, tools, logger, packages });
  expect(generation.packages).toHaveLength(packages.length);
  for (const one of await listGenerations(store)) expect(one.packages.length).toBeGreaterThan(0);
});
