import { existsSync } from "node:fs";
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Base } from "@cleanroom/base-import";
import { silentLogger, type Store, type Tools } from "@cleanroom/core";
import { type Generation, publish, type RepositoryServer, serve } from "@cleanroom/repo-publisher";
import { afterAll } from "vitest";
import {
  type BuiltPackage,
  buildPackages,
  type Client,
  clientRoot,
  freshStore,
  importedBase,
  makeClient,
  specText,
} from "./repo-publisher-fixture.ts";

/** What most tests of the publisher begin with. */
export interface Scene {
  readonly folder: string;
  readonly base: Base;
  readonly tools: Tools;
  readonly store: Store;
  /** `hello`, which needs `world`, and `world`. */
  readonly packages: readonly BuiltPackage[];
  /** Of these packages, in the store's repository `cleanroom`. */
  readonly generation: Generation;
}

/** A published repository, which a test file opens as it begins; its folder goes when the file ends. */
export async function useScene(): Promise<Scene> {
  const folder = await mkdtemp(path.join(tmpdir(), "publisher-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const base = await importedBase();
  const { tools } = base;
  const store = await freshStore(folder);
  const packages = await buildPackages(tools, folder, {
    hello: specText("hello", { body: "Requires: world >= 1.0" }),
    world: specText("world"),
  });
  const generation = await publish({ store, tools, logger: silentLogger, packages });
  return { folder, base, tools, store, packages, generation };
}

/** Serves while `work` runs. */
export async function whileServing<Result>(
  source: { store: Store; repository?: string } | { folder: string },
  work: (server: RepositoryServer) => Promise<Result>,
): Promise<Result> {
  const server = await serve({ ...source, port: 0, logger: silentLogger });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** A client with the `.repo` file of a served repository. */
export async function clientOf(
  { folder, tools }: Pick<Scene, "folder" | "tools">,
  name: string,
  url: string,
  root = clientRoot(tools),
): Promise<Client> {
  const repo = await (await fetch(`${url}/cleanroom.repo`)).text();
  return makeClient(path.join(folder, "clients", name), root, repo);
}

/** Whether a client has installed one of the tests' packages. */
export function installed(client: Client, name: string): boolean {
  return existsSync(path.join(client.folder, "root", "usr/share", name, "content"));
}

/** A copy of the generation that a test may spoil. */
export async function spoilableCopy({ folder, generation }: Scene, name: string): Promise<string> {
  const copy = path.join(folder, "spoiled", name);
  await cp(generation.folder, copy, { recursive: true, dereference: true });
  return copy;
}

/** Changes the last byte of a file: the payload of a package, the end of any other. */
export async function changeLastByte(file: string): Promise<void> {
  await chmod(file, 0o644);
  const bytes = await readFile(file);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
  await writeFile(file, bytes);
}
