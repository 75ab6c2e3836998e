import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { silentLogger, type Store, type Tools } from "@cleanroom/core";
import {
  type Generation,
  publish,
  type RepositoryServer,
  serve,
  signingKey,
} from "@cleanroom/repo-publisher";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type BuiltPackage,
  buildPackages,
  type Client,
  createrepo,
  dnf,
  freshStore,
  makeClient,
  specText,
  toolsRoot,
} from "./repo-publisher-fixture.ts";

const logger = silentLogger;
let folder: string;
let tools: Tools;
let store: Store;
let packages: readonly BuiltPackage[];
let generation: Generation;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "publisher-"));
  tools = await toolsRoot();
  store = await freshStore(folder);
  packages = await buildPackages(tools, folder, {
    hello: specText("hello", { body: "Requires: world >= 1.0" }),
    world: specText("world"),
  });
  generation = await publish({ store, tools, logger, packages });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Serves while `work` runs. */
async function whileServing<Result>(
  source: { store: Store } | { folder: string },
  work: (server: RepositoryServer) => Promise<Result>,
): Promise<Result> {
  const server = await serve({ ...source, port: 0, logger });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

async function clientOf(name: string, url: string, root = "/"): Promise<Client> {
  const repo = await (await fetch(`${url}/cleanroom.repo`)).text();
  return makeClient(path.join(folder, "clients", name), root, repo);
}

function installed(client: Client, name: string): boolean {
  return existsSync(path.join(client.folder, "root", "usr/share", name, "content"));
}

/** A copy of the generation that a test may spoil. */
async function spoilableCopy(name: string): Promise<string> {
  const copy = path.join(folder, "spoiled", name);
  await cp(generation.folder, copy, { recursive: true });
  return copy;
}

/** Changes the last byte of a file: the payload of a package, the end of any other. */
async function changeLastByte(file: string): Promise<void> {
  await chmod(file, 0o644);
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
  await writeFile(file, bytes);
}

describe("dnf with gpgcheck=1 and repo_gpgcheck=1", () => {
  test.each(["the host's", "the tools root's"])("%s installs over HTTP", async (whose) => {
    await whileServing({ store }, async ({ url }) => {
      const root = whose === "the host's" ? "/" : tools.root;
      const client = await clientOf(whose, url, root);
      const result = await dnf(client, ["install", "hello"]);
      expect(result.stderr).toContain("Importing GPG key");
      expect(result).toMatchObject({ exitCode: 0 });
      expect([installed(client, "hello"), installed(client, "world")]).toEqual([true, true]);
    });
  });

  test("a package that was changed is refused", async () => {
    const copy = await spoilableCopy("package");
    for (const { location } of generation.packages) {
      await changeLastByte(path.join(copy, location));
    }
    await whileServing({ folder: copy }, async ({ url }) => {
      const client = await clientOf("changed-package", url);
      const result = await dnf(client, ["install", "hello"]);
      expect(result.exitCode).toBe(1);
      expect(result.stdout + result.stderr).toMatch(/checksum doesn't match/);
      expect(installed(client, "hello")).toBe(false);
    });
  });

  test("a package without our signature is refused, even when the metadata describes it", async () => {
    // The metadata is right about it and its signature is not asked for: only gpgcheck can tell.
    const unsigned = path.join(folder, "unsigned");
    await createrepo(
      tools,
      unsigned,
      packages.map(({ file }) => file),
    );
    await copyFile(
      path.join(generation.folder, "RPM-GPG-KEY-cleanroom"),
      path.join(unsigned, "RPM-GPG-KEY-cleanroom"),
    );
    await whileServing({ folder: unsigned }, async ({ url }) => {
      const client = await clientOf("unsigned-package", url);
      const repo = path.join(client.folder, "repos/cleanroom.repo");
      const text = await readFile(repo, "utf8");
      await writeFile(repo, text.replace("repo_gpgcheck=1", "repo_gpgcheck=0"));
      const result = await dnf(client, ["install", "hello"]);
      expect(result.exitCode).toBe(1);
      expect(result.stdout + result.stderr).toMatch(/is not signed/);
      expect(installed(client, "hello")).toBe(false);
    });
  });

  test.each(["repomd.xml", "repomd.xml.asc", "primary.xml.zst"])(
    "changed metadata is refused: %s",
    async (name) => {
      const copy = await spoilableCopy(name);
      const files = await readdir(path.join(copy, "repodata"));
      const file = files.find((one) => one.endsWith(name)) ?? name;
      if (name === "repomd.xml.asc") {
        const other = await publish({
          store,
          tools,
          logger,
          packages: packages.slice(0, 1),
          repository: "other",
        });
        await copyFile(
          path.join(other.folder, "repodata/repomd.xml.asc"),
          path.join(copy, "repodata/repomd.xml.asc"),
        );
      } else await changeLastByte(path.join(copy, "repodata", file));
      await whileServing({ folder: copy }, async ({ url }) => {
        const client = await clientOf(`changed-${name}`, url);
        const result = await dnf(client, ["install", "hello"]);
        expect(result.exitCode).toBe(1);
        expect(result.stdout + result.stderr).toMatch(
          name === "primary.xml.zst" ? /checksum doesn't match/ : /Bad GPG signature/,
        );
        expect(installed(client, "hello")).toBe(false);
      });
    },
  );

  test("another key than the one the client trusts is refused", async () => {
    const other = await signingKey({ store, tools, logger }, "other");
    await whileServing({ store }, async ({ url }) => {
      const client = await clientOf("unknown-key", url);
      await writeFile(path.join(client.folder, "other.asc"), other.publicKey);
      const repo = path.join(client.folder, "repos/cleanroom.repo");
      const text = await readFile(repo, "utf8");
      await writeFile(repo, text.replace(/^gpgkey=.*$/m, "gpgkey=file:///work/other.asc"));
      const result = await dnf(client, ["install", "hello"]);
      expect(result.exitCode).toBe(1);
      expect(result.stdout + result.stderr).toMatch(/Bad GPG signature/);
      expect(installed(client, "hello")).toBe(false);
    });
  });
});
