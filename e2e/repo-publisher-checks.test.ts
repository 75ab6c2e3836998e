import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { runInSandbox, silentLogger } from "@cleanroom/core";
import {
  currentGeneration,
  publish,
  type PublishChecks,
  signingKey,
  verifyRepository,
} from "@cleanroom/repo-publisher";
import { describe, expect, test } from "vitest";
import { buildPackages, createrepo, specText } from "./repo-publisher-fixture.ts";
import { changeLastByte, useScene, spoilableCopy, whileServing } from "./repo-publisher-scene.ts";

const logger = silentLogger;
const scene = await useScene();
const { folder, tools, store, packages, generation } = scene;

/** Signs a repository's metadata with the key of the generation, and puts the public key beside it. */
async function sign(repository: string): Promise<void> {
  const { home, fingerprint, publicKey } = await signingKey({ store, tools, logger });
  await writeFile(path.join(repository, "RPM-GPG-KEY-cleanroom"), publicKey);
  await runInSandbox(
    {
      root: tools.root,
      mounts: [
        { source: home, target: "/key" },
        { source: path.join(repository, "repodata"), target: "/repodata", writable: true },
      ],
    },
    [
      "sh",
      "-euc",
      'cp -r /key /tmp/gnupg; GNUPGHOME=/tmp/gnupg gpg --batch -u "$1" --armor --detach-sign /repodata/repomd.xml',
      "sh",
      fingerprint,
    ],
  );
}

describe("before clients see a generation", () => {
  const lacking = {
    lonely: specText("lonely", { body: "Requires: world >= 2.0, libX11.so.6()(64bit)" }),
  };

  async function refusal(checks: PublishChecks, folderName: string): Promise<unknown> {
    const built = await buildPackages(tools, path.join(folder, folderName), lacking);
    return publish({ store, tools, logger, packages: [...packages, ...built], checks }).catch(
      (error: unknown) => error,
    );
  }

  test("a package that nobody could install is refused, and who lacks what is said", async () => {
    const error = await refusal({ bases: [] }, "lonely");
    expect(error).toMatchObject({ code: "repository-incomplete" });
    expect(String(error)).toContain("nothing provides world >= 2.0 needed by lonely-1.0-1.noarch");
    expect(await currentGeneration(store)).toMatchObject({ id: generation.id });
  });

  test("what a base supplies is not missing", async () => {
    const base = path.join(folder, "base");
    const specs = {
      world: specText("world", { version: "2.0" }),
      libX11: specText("libX11", { body: "Provides: libX11.so.6()(64bit)" }),
    };
    await buildPackages(tools, base, specs);
    await createrepo(tools, path.join(base, "rpms"));
    const built = await buildPackages(tools, path.join(folder, "lonely"), lacking);
    const checks = { bases: [path.join(base, "rpms")] };
    const repository = "with-base";
    const complete = await publish({ store, tools, logger, packages: built, checks, repository });
    expect(complete.packages.map((one) => one.name)).toEqual(["lonely"]);
  });

  test("what a profile forbids is refused", async () => {
    const error = await refusal({ forbid: ["libX11.so*"] }, "lonely");
    expect(error).toMatchObject({ code: "repository-forbidden" });
    expect(String(error)).toContain("lonely-1.0-1.noarch requires libX11.so.6()(64bit)");
  });

  test("what the profiles of one package forbid is refused in its packages", async () => {
    const error = await refusal({ forbidIn: { lonely: ["libX11.so*"], hello: ["*"] } }, "lonely");
    expect(error).toMatchObject({ code: "repository-forbidden" });
    expect(String(error)).toContain("hello-1.0-1.noarch");
    expect(String(error)).toContain("lonely-1.0-1.noarch requires libX11.so.6()(64bit)");
    expect(String(error)).not.toContain("world-1.0-1.noarch provides");
  });

  test("a package that is only kept is left out where it no longer fits, and that is said", async () => {
    const warnings: string[] = [];
    const warning = (text: string): void => void warnings.push(text);
    const outgrown = await buildPackages(tools, path.join(folder, "outgrown"), {
      ...lacking,
      forbidden: specText("forbidden", { body: "Provides: libX11.so.6()(64bit)" }),
      hello: specText("hello", { body: "Provides: an-older-build" }),
    });
    const kept = outgrown.map((one) => ({ ...one, kept: true }));
    const published = await publish({
      store,
      tools,
      logger: { ...logger, warning },
      packages: [...packages, ...kept],
      checks: { bases: [], forbid: ["libX11.so*"] },
      repository: "outgrown",
    });
    expect(published.packages.map(({ unsignedSha256 }) => unsignedSha256).toSorted()).toEqual(
      packages.map(({ sha256 }) => sha256).toSorted(),
    );
    expect(warnings.join("\n")).toMatch(/left out hello-1\.0-1\.noarch/);
    expect(warnings.join("\n")).toMatch(/left out lonely-1\.0-1\.noarch.*libX11/);
    expect(warnings.join("\n")).toMatch(/left out forbidden-1\.0-1\.noarch.*provides libX11/);
  });

  test.each([
    ["release", { release: "1.dev" }],
    ["distribution", { body: "Distribution: Cleanroom development build" }],
  ])("a development build is refused by its %s, whoever built it", async (name, more) => {
    const built = await buildPackages(tools, path.join(folder, `development-${name}`), {
      work: specText("work", more),
    });
    const error: unknown = await publish({
      store,
      tools,
      logger,
      packages: [...packages, ...built],
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "development-build" });
    expect(String(error)).toContain(built[0]?.file);
  });

  test("a NEVRA with two contents is refused, and both files are named", async () => {
    const other = await buildPackages(tools, path.join(folder, "other"), {
      hello: specText("hello", { body: "Provides: something-else" }),
    });
    const error: unknown = await publish({
      store,
      tools,
      logger,
      packages: [...packages, ...other],
    }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "nevra-conflict" });
    for (const { file } of [packages[0], other[0]].filter((one) => one !== undefined)) {
      expect(String(error)).toContain(file);
    }
  });
});

describe("verify", () => {
  const codes = async (target: string, publicKeys?: string): Promise<readonly string[]> => {
    const keys = publicKeys === undefined ? {} : { publicKeys };
    const { problems } = await verifyRepository({ store, tools, logger, target, ...keys });
    return problems.map((one) => `${one.code} ${one.subject}`);
  };

  test("finds nothing wrong with a folder or a served repository that is whole", async () => {
    expect(await codes(generation.folder)).toEqual([]);
    await whileServing({ store }, async ({ url }) => expect(await codes(url)).toEqual([]));
  });

  test("names a package that was changed, and one that is missing", async () => {
    const copy = await spoilableCopy(scene, "verify-packages");
    const [hello, world] = generation.packages.map((one) => one.location);
    await changeLastByte(path.join(copy, hello ?? ""));
    await rm(path.join(copy, world ?? ""));
    expect(await codes(copy)).toEqual([
      expect.stringMatching(/^package-(digest|missing) Packages/),
      expect.stringMatching(/^package-(digest|missing) Packages/),
    ]);
  });

  test("refuses metadata that was changed, and a key that is not trusted", async () => {
    const copy = await spoilableCopy(scene, "verify-metadata");
    await changeLastByte(path.join(copy, "repodata/repomd.xml"));
    expect(await codes(copy)).toEqual(["metadata repodata"]);
    const other = await signingKey({ store, tools, logger }, "other");
    expect(await codes(generation.folder, other.publicKey)).toEqual(["metadata repodata"]);
  });

  test("names a development build", async () => {
    const built = await buildPackages(tools, path.join(folder, "verify-development"), {
      work: specText("work", { release: "1.dev" }),
    });
    const work = path.join(folder, "verify-work");
    await mkdir(work);
    for (const { file } of built) await copyFile(file, path.join(work, path.basename(file)));
    await createrepo(tools, work);
    await sign(work);
    expect(await codes(work)).toContain("development-build work-1.0-1.dev.noarch.rpm");
  });

  test("names a package that is not signed", async () => {
    const unsigned = path.join(folder, "verify-unsigned");
    await mkdir(unsigned);
    for (const { file } of packages) await copyFile(file, path.join(unsigned, path.basename(file)));
    await createrepo(tools, unsigned);
    await sign(unsigned);
    expect(await codes(unsigned)).toEqual([
      "package-signature hello-1.0-1.noarch.rpm",
      "package-signature world-1.0-1.noarch.rpm",
    ]);
  });
});
