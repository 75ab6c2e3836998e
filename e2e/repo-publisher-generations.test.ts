import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { get } from "node:https";
import path from "node:path";
import { type Logger, run, silentLogger } from "@cleanroom/core";
import {
  currentGeneration,
  diffGenerations,
  type Generation,
  listGenerations,
  prune,
  publish,
  rollback,
  serve,
} from "@cleanroom/repo-publisher";
import { describe, expect, test } from "vitest";
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
const scene = await useScene();
const { folder, tools, store, packages } = scene;

const more = await buildPackages(tools, path.join(folder, "more"), {
  hello: specText("hello", { version: "1.1", body: "Requires: world >= 1.0" }),
  // Larger than what fits into the buffers between a server and its client.
  large: specText("large").replace(
    /^echo .*$/m,
    "head -c 30000000 /dev/urandom > %{buildroot}/usr/share/large/content",
  ),
});

describe("generations", () => {
  const repository = "kept";
  const publishAll = (some: readonly BuiltPackage[]): Promise<Generation> =>
    publish({ store, tools, logger, packages: some, repository });
  const ids = async (): Promise<readonly string[]> =>
    (await listGenerations(store, repository)).map(({ id }) => id);
  const currentId = async (): Promise<string | undefined> =>
    (await currentGeneration(store, repository))?.id;

  test("are listed, compared, brought back and removed; a download of an old one goes on", async () => {
    const first = await publishAll([...packages, ...more.slice(1)]);
    const second = await publishAll([...packages.slice(1), ...more.slice(0, 1)]);
    expect(await ids()).toEqual([second.id, first.id]);
    expect(diffGenerations(first, second)).toEqual([
      {
        name: "hello",
        arch: "noarch",
        from: "hello-1.0-1.noarch",
        to: "hello-1.1-1.noarch",
        kind: "changed",
      },
      { name: "large", arch: "noarch", from: "large-1.0-1.noarch", to: null, kind: "removed" },
    ]);

    expect(await rollback(store, repository)).toMatchObject({ id: first.id });
    expect(await currentId()).toBe(first.id);
    expect(await rollback(store, repository, second.id.slice(0, 8))).toMatchObject({
      id: second.id,
    });
    await expect(rollback(store, repository, "no-such")).rejects.toMatchObject({
      code: "generation-unknown",
    });
    // The same set again is the same generation, and it is the newest then.
    expect(await publishAll([...packages, ...more.slice(1)])).toMatchObject({ id: first.id });
    expect(await publishAll([...packages.slice(1), ...more.slice(0, 1)])).toMatchObject({
      id: second.id,
    });

    const large = first.packages.find(({ name }) => name === "large");
    const location = large?.location ?? "";
    await whileServing({ store, repository }, async ({ url }) => {
      const response = await fetch(`${url}/${location}`);
      expect(response.status).toBe(200);
      expect(await prune(store, repository, { generations: 5, ageMs: 0 })).toEqual([]);
      const removed = await prune(store, repository, { generations: 1, ageMs: 0 });
      expect(removed.map(({ id }) => id)).toEqual([first.id]);
      expect((await response.arrayBuffer()).byteLength).toBe(large?.sizeBytes);
      expect((await fetch(`${url}/${location}`)).status).toBe(404);
    });
    expect(await ids()).toEqual([second.id]);
    const there = (one: Generation["packages"][number]): boolean =>
      existsSync(store.path("repos", repository, one.location));
    expect(second.packages.map(there)).toEqual(second.packages.map(() => true));
    expect(first.packages.filter((one) => there(one)).map(({ name }) => name)).toEqual(["world"]);
  });

  test("a record that was changed is not believed", async () => {
    const damaged = await publish({ store, tools, logger, packages, repository: "damaged" });
    const record = path.join(damaged.folder, "generation.json");
    const text = await readFile(record, "utf8");
    await writeFile(record, text.replace(/"version":"1.0"/, '"version":"1.1"'));
    await expect(currentGeneration(store, "damaged")).rejects.toMatchObject({
      code: "generation-damaged",
    });
  });
});

test("HTTPS, and a line in the log for each request", async () => {
  const [certificate, key] = ["certificate.pem", "key.pem"].map((name) => path.join(folder, name));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-out", certificate ?? "", "-keyout", key ?? ""];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...files]);
  const tls = {
    certificate: await readFile(certificate ?? "", "utf8"),
    key: await readFile(key ?? "", "utf8"),
  };
  const lines: string[] = [];
  const log: Logger = { ...logger, info: (line) => void lines.push(line) };
  const server = await serve({ store, port: 0, logger: log, tls });
  try {
    const repo = await new Promise<string>((resolve, reject) => {
      const options = { ca: tls.certificate };
      get(`https://localhost:${server.port}/cleanroom.repo`, options, (response) => {
        let text = "";
        response.on("data", (piece: Buffer) => (text += piece.toString()));
        response.on("end", () => resolve(text));
      }).on("error", reject);
    });
    expect(repo).toContain(`baseurl=https://localhost:${server.port}/\n`);
    const root = path.join(folder, "clients/https");
    const trusting = `${repo}sslcacert=/client/ca.pem\n`;
    const client = await makeClient(root, clientRoot(tools), trusting);
    await writeFile(path.join(root, "ca.pem"), tls.certificate);
    expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
    expect(installed(client, "hello")).toBe(true);
  } finally {
    await server.stop();
  }
  expect(lines.find((line) => line.includes("/cleanroom.repo"))).toMatch(
    /^\S+ GET \/cleanroom\.repo 200 \d+ ms$/,
  );
  const wrong = { certificate: tls.certificate, key: "no key" };
  await expect(serve({ store, port: 0, logger, tls: wrong })).rejects.toMatchObject({
    code: "serve-failed",
  });
});
