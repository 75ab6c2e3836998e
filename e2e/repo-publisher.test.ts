import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { silentLogger } from "@cleanroom/core";
import { publish, signingKey } from "@cleanroom/repo-publisher";
import { describe, expect, test } from "vitest";
import { clientRoot, createrepo, dnf, zypper } from "./repo-publisher-fixture.ts";
import {
  changeLastByte,
  clientOf,
  installed,
  useScene,
  spoilableCopy,
  whileServing,
} from "./repo-publisher-scene.ts";

const logger = silentLogger;
const scene = await useScene();
const { folder, tools, store, packages, generation } = scene;

describe.skipIf(!existsSync("/usr/bin/zypper"))("zypper", () => {
  test("installs over HTTP with signatures checked", async () => {
    await whileServing({ store }, async ({ url }) => {
      const client = await clientOf(scene, "zypper", url);
      const result = await zypper(client, ["--gpg-auto-import-keys", "install", "hello"]);
      expect(result).toMatchObject({ exitCode: 0 });
      expect([installed(client, "hello"), installed(client, "world")]).toEqual([true, true]);
    });
  });

  test("a key that is not trusted, a changed package and changed metadata are refused", async () => {
    await whileServing({ store }, async ({ url }) => {
      const client = await clientOf(scene, "zypper-unknown", url);
      expect(await zypper(client, ["install", "hello"])).not.toMatchObject({ exitCode: 0 });
      expect(installed(client, "hello")).toBe(false);
    });
    const copies = { package: generation.packages[0]?.location, metadata: "repodata/repomd.xml" };
    for (const [name, file] of Object.entries(copies)) {
      const copy = await spoilableCopy(scene, `zypper-${name}`);
      await changeLastByte(path.join(copy, file ?? ""));
      await whileServing({ folder: copy }, async ({ url }) => {
        const client = await clientOf(scene, `zypper-changed-${name}`, url);
        const result = await zypper(client, ["--gpg-auto-import-keys", "install", "hello"]);
        expect(result).not.toMatchObject({ exitCode: 0 });
        expect(installed(client, "hello")).toBe(false);
      });
    }
  });
});

describe("dnf with gpgcheck=1 and repo_gpgcheck=1", () => {
  test.each(["the host's", "the tools root's"])("%s installs over HTTP", async (whose) => {
    await whileServing({ store }, async ({ url }) => {
      const root = whose === "the host's" ? clientRoot(tools) : tools.root;
      const client = await clientOf(scene, whose, url, root);
      const result = await dnf(client, ["install", "hello"]);
      expect(result.stderr).toContain("Importing GPG key");
      expect(result).toMatchObject({ exitCode: 0 });
      expect([installed(client, "hello"), installed(client, "world")]).toEqual([true, true]);
    });
  });

  test("a package that was changed is refused", async () => {
    const copy = await spoilableCopy(scene, "package");
    for (const { location } of generation.packages) {
      await changeLastByte(path.join(copy, location));
    }
    await whileServing({ folder: copy }, async ({ url }) => {
      const client = await clientOf(scene, "changed-package", url);
      const result = await dnf(client, ["install", "hello"]);
      expect(result.exitCode).toBe(1);
      expect(result.stdout + result.stderr).toMatch(/checksum doesn't match/);
      expect(installed(client, "hello")).toBe(false);
    });
  });

  test("a package without our signature is refused, even when the metadata describes it", async () => {
    // The metadata is right about it and its signature is not asked for: only gpgcheck can tell.
    const unsigned = path.join(folder, "unsigned");
    await mkdir(unsigned);
    for (const { file } of packages) await copyFile(file, path.join(unsigned, path.basename(file)));
    await createrepo(tools, unsigned);
    await copyFile(
      path.join(generation.folder, "RPM-GPG-KEY-cleanroom"),
      path.join(unsigned, "RPM-GPG-KEY-cleanroom"),
    );
    await whileServing({ folder: unsigned }, async ({ url }) => {
      const client = await clientOf(scene, "unsigned-package", url);
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
      const copy = await spoilableCopy(scene, name);
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
        const client = await clientOf(scene, `changed-${name}`, url);
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
      const client = await clientOf(scene, "unknown-key", url);
      await writeFile(path.join(client.folder, "other.asc"), other.publicKey);
      const repo = path.join(client.folder, "repos/cleanroom.repo");
      const text = await readFile(repo, "utf8");
      await writeFile(repo, text.replace(/^gpgkey=.*$/m, "gpgkey=file:///client/other.asc"));
      const result = await dnf(client, ["install", "hello"]);
      expect(result.exitCode).toBe(1);
      expect(result.stdout + result.stderr).toMatch(/Bad GPG signature/);
      expect(installed(client, "hello")).toBe(false);
    });
  });
});
