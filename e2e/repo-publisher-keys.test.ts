import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { run, silentLogger } from "@cleanroom/core";
import {
  importKey,
  publish,
  type PublisherContext,
  rotateKey,
  signingKey,
} from "@cleanroom/repo-publisher";
import { describe, expect, test } from "vitest";
import { type Client, dnf, makeSecretKey } from "./repo-publisher-fixture.ts";
import { clientOf, installed, useScene, whileServing } from "./repo-publisher-scene.ts";

const logger = silentLogger;
const scene = await useScene();
const { folder, tools, store, packages } = scene;

describe("keys", () => {
  const context = (): PublisherContext => ({ store, tools, logger });

  /** A client that trusts one key and will not learn another. */
  async function clientTrusting(name: string, url: string, publicKey: string): Promise<Client> {
    const client = await clientOf(scene, name, url);
    await writeFile(path.join(client.folder, "trusted.asc"), publicKey);
    const repo = path.join(client.folder, "repos/cleanroom.repo");
    const text = await readFile(repo, "utf8");
    await writeFile(repo, text.replace(/^gpgkey=.*$/m, "gpgkey=file:///client/trusted.asc"));
    return client;
  }

  test("after a rotation a client goes on, whichever key it knows, until the overlap ends", async () => {
    const repository = "rotated";
    const old = await signingKey(context(), repository);
    const before = await publish({ ...context(), packages, repository, key: repository });
    const fresh = await rotateKey(context(), repository);
    const after = await publish({ ...context(), packages, repository, key: repository });
    expect(after.id).not.toBe(before.id);
    expect(after.keyFingerprint).toBe(fresh.fingerprint);
    await whileServing({ folder: after.folder }, async ({ url }) => {
      for (const [name, key] of Object.entries({ old, fresh })) {
        const client = await clientTrusting(`rotated-${name}`, url, key.publicKey);
        expect(await dnf(client, ["makecache"])).toMatchObject({ exitCode: 0 });
      }
      const client = await clientOf(scene, "rotated-both", url);
      expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
    });
    await rotateKey(context(), repository, 0);
    const last = await publish({ ...context(), packages, repository, key: repository });
    await whileServing({ folder: last.folder }, async ({ url }) => {
      const client = await clientTrusting("rotated-late", url, fresh.publicKey);
      expect((await dnf(client, ["makecache"])).exitCode).not.toBe(0);
    });
  });

  test("after two rotations a client that knows the first, second or third key goes on", async () => {
    const name = "twice";
    const first = await signingKey(context(), name);
    const second = await rotateKey(context(), name);
    const third = await rotateKey(context(), name);
    expect(third.retiring.map((one) => one.fingerprint)).toEqual([
      second.fingerprint,
      first.fingerprint,
    ]);
    expect(await signingKey(context(), name)).toEqual(third);
    const published = await publish({ ...context(), packages, repository: name, key: name });
    await whileServing({ folder: published.folder }, async ({ url }) => {
      for (const [which, key] of Object.entries({ first, second, third })) {
        const client = await clientTrusting(`twice-${which}`, url, key.publicKey);
        expect(await dnf(client, ["makecache"])).toMatchObject({ exitCode: 0 });
      }
    });
  });

  test("a rotation that was interrupted leaves the old key, and the next one works", async () => {
    const name = "interrupted";
    const old = await signingKey(context(), name);
    const folderOfKeys = store.path("keys", name);
    const before = await readFile(path.join(folderOfKeys, "key.json"), "utf8");
    const lost = await rotateKey(context(), name);
    // As if it had been killed when the new key lay in place and the record did not name it yet.
    await writeFile(path.join(folderOfKeys, "key.json"), before);
    expect(await signingKey(context(), name)).toEqual(old);
    const published = await publish({ ...context(), packages, repository: name, key: name });
    expect(published.keyFingerprint).toBe(old.fingerprint);
    const next = await rotateKey(context(), name);
    expect(next.fingerprint).not.toBe(lost.fingerprint);
    expect(next.retiring.map((one) => one.fingerprint)).toEqual([old.fingerprint]);
    // Nobody will ever sign with it.
    expect(await readdir(folderOfKeys)).not.toContain(`key.${lost.fingerprint}`);
  });

  test("a command of the user's signs packages and metadata", async () => {
    const { home, fingerprint, publicKey } = await signingKey(context(), "outside");
    // The host's gpg stands for a vault: it has the key, and Cleanroom asks it.
    const vault = path.join(folder, "vault");
    await cp(home, vault, { recursive: true });
    const gpg = [
      "gpg",
      "--homedir",
      vault,
      "--batch",
      "--quiet",
      "--armor",
      "--detach-sign",
    ] as const;
    const signer = { command: gpg, fingerprint, publicKey };
    const repository = "outside";
    const published = await publish({ ...context(), packages, repository, signer });
    await run("gpgconf", ["--homedir", vault, "--kill", "gpg-agent"]);
    await whileServing({ folder: published.folder }, async ({ url }) => {
      const client = await clientOf(scene, "outside", url);
      expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
    });
    const silent = { ...signer, command: ["true"] as const };
    await expect(
      publish({ ...context(), packages, repository: "silent", signer: silent }),
    ).rejects.toMatchObject({ code: "signing-command" });
  });

  test("a key of the user's signs; once it has expired, it does not", async () => {
    const mine = await importKey(context(), "mine", await makeSecretKey(tools, { lifeDays: 2 }));
    const options = { ...context(), packages, repository: "mine", key: "mine" };
    const published = await publish(options);
    expect(published.keyFingerprint).toBe(mine.fingerprint);
    await whileServing({ folder: published.folder }, async ({ url }) => {
      const client = await clientOf(scene, "mine", url);
      expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
    });
    // As if its time had come.
    const record = store.path("keys/mine/key.json");
    const text = await readFile(record, "utf8");
    expect(text).toMatch(/"expiresSeconds":\d+/);
    await writeFile(record, text.replace(/"expiresSeconds":\d+/, '"expiresSeconds":1700000000'));
    await expect(publish(options)).rejects.toMatchObject({ code: "key-expired" });
  });

  test("clients refuse what a key signed that has expired since", async () => {
    const tenDaysAgo = Math.floor(Date.now() / 1000) - 10 * 24 * 3600;
    const secret = await makeSecretKey(tools, { lifeDays: 2, createdSeconds: tenDaysAgo });
    const vault = path.join(folder, "expired-vault");
    await mkdir(vault, { mode: 0o700 });
    const gpg = ["--homedir", vault, "--batch", "--quiet"];
    await run("gpg", [...gpg, "--import"], { input: secret });
    const { stdout: publicKey } = await run("gpg", [...gpg, "--armor", "--export"]);
    const { stdout: listing } = await run("gpg", [...gpg, "--with-colons", "--list-keys"]);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? "";
    // Signed a day after the key was made, when it was good.
    const then = ["--faked-system-time", `${tenDaysAgo + 24 * 3600}!`];
    const signer = {
      command: ["gpg", ...gpg, ...then, "--armor", "--detach-sign"] as [string, ...string[]],
      fingerprint,
      publicKey,
    };
    const options = { ...context(), packages, repository: "expired", signPackages: false, signer };
    const published = await publish(options);
    await run("gpgconf", ["--homedir", vault, "--kill", "gpg-agent"]);
    await whileServing({ folder: published.folder }, async ({ url }) => {
      const client = await clientOf(scene, "expired", url);
      const result = await dnf(client, ["install", "hello"]);
      expect(result.exitCode).not.toBe(0);
      expect(result.stdout + result.stderr).toMatch(/GPG|key/i);
      expect(installed(client, "hello")).toBe(false);
    });
  });
});
