import path from "node:path";
import { silentLogger } from "@cleanroom/core";
import { exportGeneration, publish } from "@cleanroom/repo-publisher";
import S3rver from "s3rver";
import { describe, expect, test, vi } from "vitest";
import {
  type BuiltPackage,
  buildPackages,
  clientRoot,
  dnf,
  makeClient,
  specText,
} from "./repo-publisher-fixture.ts";
import { installed, useScene, whileServing } from "./repo-publisher-scene.ts";

const logger = silentLogger;
// s3rver's own, which it takes from everyone.
vi.stubEnv("AWS_ACCESS_KEY_ID", "S3RVER");
vi.stubEnv("AWS_SECRET_ACCESS_KEY", "S3RVER");
const scene = await useScene();
const { folder, tools, store, packages } = scene;

const region = "us-east-1";
let endpoint = "";

describe("a copy for another server", () => {
  /** Installs from the copy, changes the repository, copies again, and installs what is new. */
  async function followed(name: string, to: string, url: string): Promise<unknown> {
    const repository = "copied";
    const copy = async (some: readonly BuiltPackage[]): Promise<readonly number[]> => {
      const one = await publish({ store, tools, logger, packages: some, repository });
      const options = { generation: one, to, baseUrl: url, logger, s3: { endpoint, region } };
      const { written, kept, removed } = await exportGeneration(options);
      return [written, kept, removed];
    };
    const copies = [await copy(packages)];
    const repo = await (await fetch(`${url}/cleanroom.repo`)).text();
    const client = await makeClient(path.join(folder, "clients", name), clientRoot(tools), repo);
    await dnf(client, ["install", "hello"]);
    const added = await buildPackages(tools, path.join(folder, "added"), {
      more: specText("more"),
    });
    copies.push(await copy([...packages, ...added]));
    await dnf(client, ["--refresh", "install", "more"]);
    copies.push(await copy(packages), await copy(packages));
    return { copies, installed: ["hello", "more"].map((one) => installed(client, one)) };
  }

  const expected = {
    copies: [
      // Written, kept and removed: two packages and three metadata files,
      [5, 0, 0],
      // one package more,
      [4, 2, 0],
      // and back: what clients of the larger one may still need goes one copy later.
      [0, 5, 0],
      [0, 5, 4],
    ],
    installed: [true, true],
  };

  test("in a folder", async () => {
    const to = path.join(folder, "copy");
    const seen = await whileServing({ folder: to }, ({ url }) => followed("copy", to, url));
    expect(seen).toEqual(expected);
  });

  test("in a bucket", async () => {
    const directory = path.join(folder, "buckets");
    const configureBuckets = [{ name: "packages", configs: [] }];
    const server = new S3rver({
      port: 0,
      address: "127.0.0.1",
      silent: true,
      directory,
      configureBuckets,
    });
    const { port } = await server.run();
    try {
      endpoint = `http://127.0.0.1:${port}`;
      const url = `${endpoint}/packages/stack/one`;
      expect(await followed("bucket", "s3://packages/stack/one", url)).toEqual(expected);
    } finally {
      await server.close();
    }
  });
});
