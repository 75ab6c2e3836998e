import { existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import type { Base } from "@cleanroom/base-import";
import {
  run,
  runInSandbox,
  sha256File,
  silentLogger,
  type Store,
  type Tools,
} from "@cleanroom/core";
import {
  currentGeneration,
  exportGeneration,
  type Generation,
  importKey,
  publish,
  repositoryFileSchema,
  type PublishChecks,
  type PublisherContext,
  type RepositoryServer,
  rotateKey,
  serve,
  signingKey,
  verifyRepository,
} from "@cleanroom/repo-publisher";
import S3rver from "s3rver";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  basePackages,
  type BuiltPackage,
  buildPackages,
  clientRoot,
  type Client,
  createrepo,
  dnf,
  freshStore,
  importedBase,
  makeClient,
  makeSecretKey,
  specText,
  zypper,
} from "./repo-publisher-fixture.ts";

const logger = silentLogger;
const region = "us-east-1";
let endpoint = "";
let folder: string;
let base: Base;
let tools: Tools;
let store: Store;
let packages: readonly BuiltPackage[];
let generation: Generation;

beforeAll(async () => {
  // s3rver's own, which it takes from everyone.
  vi.stubEnv("AWS_ACCESS_KEY_ID", "S3RVER");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "S3RVER");
  folder = await mkdtemp(path.join(tmpdir(), "publisher-"));
  base = await importedBase();
  tools = base.tools;
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

async function clientOf(name: string, url: string, root = clientRoot(tools)): Promise<Client> {
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

/** A package that has something of everything that metadata can say. */
const richSpec = `Name: rich
Epoch: 3
Version: 1.2~rc1
Release: 4.fc40
Summary: Größe & <more> "quotes"
License: MIT AND (GPL-2.0-or-later OR Apache-2.0)
URL: https://example.org/?a=1&b=2
Vendor: The "Vendor"
Packager: Someone <someone@example.org>
Group: Development/Tools
BuildArch: noarch
Requires: plain
Requires: plain
Requires: versioned >= 2:1.0-3
Requires: versioned < 3
Requires: (one or two)
Requires: (three >= 1.0 if four)
Requires: /usr/bin/rich
Requires: /usr/share/rich/data
Requires: rich-self
Requires: libc.so.6(GLIBC_2.9)(64bit)
Requires: libc.so.6(GLIBC_2.17)(64bit)
Requires: libc.so.6()(64bit)
Requires(pre): /usr/sbin/useradd
Requires(post): coreutils
Requires(preun): sed
Requires(meta): whole
Provides: rich-self
Provides: pkgconfig(rich) = 1.2
Conflicts: poor < 1
Obsoletes: older <= 0:2.0
Recommends: nice
Suggests: nicer
Supplements: (a and b)
Enhances: other
%description
First line with  two blanks.

Last line: <b>&amp;</b>
%prep
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/rich.d %{buildroot}/usr/share/rich "%{buildroot}/usr/share/rich/a b"
echo a > %{buildroot}/usr/bin/rich
echo b > %{buildroot}/etc/rich.d/rich.conf
echo c > %{buildroot}/usr/share/rich/data
echo d > "%{buildroot}/usr/share/rich/a b/ä&é"
ln -s data %{buildroot}/usr/share/rich/link
ln %{buildroot}/usr/share/rich/data %{buildroot}/usr/share/rich/hard
%post
true
%triggerin -- plain
true
%files
%attr(0755,root,root) /usr/bin/rich
%dir /etc/rich.d
%config(noreplace) /etc/rich.d/rich.conf
%ghost /etc/rich.d/ghost
/usr/share/rich
%changelog
${Array.from(
  { length: 12 },
  (_, index) => `* Tue Nov 14 2023 Some One <one@example.org> - 1.${index}
- entry ${index} with <tags> & more
`,
).join("\n")}
`;

/** The packages' elements of a metadata file, without the time at which the .rpm came to lie there. */
async function metadataElements(repository: string, kind: string): Promise<readonly string[]> {
  const repodata = path.join(repository, "repodata");
  const name = (await readdir(repodata)).find((one) => one.endsWith(`-${kind}.xml.zst`)) ?? "";
  const text = zstdDecompressSync(await readFile(path.join(repodata, name))).toString();
  return text
    .replaceAll(/<time file="\d+"/g, "<time file=")
    .split(/(?=<package )|(?<=<\/package>)/)
    .toSorted();
}

test("the metadata says what createrepo_c's says, to the letter", async () => {
  const built = await buildPackages(tools, path.join(folder, "rich"), {
    rich: richSpec,
    plain: specText("plain"),
  });
  const real = await basePackages(base, 25);
  const mine = await publish({
    store,
    tools,
    logger,
    packages: [...built, ...real],
    repository: "rich",
  });
  const theirs = path.join(folder, "createrepo");
  await cp(path.join(mine.folder, "Packages"), path.join(theirs, "Packages"), { recursive: true });
  await createrepo(tools, theirs);
  for (const kind of ["primary", "filelists", "other"]) {
    expect(await metadataElements(mine.folder, kind)).toEqual(await metadataElements(theirs, kind));
  }
});

test("the same packages and the same key give the same bytes on every machine", async () => {
  const secret = await makeSecretKey(tools, 0);
  const contents = await Promise.all(
    ["here", "there"].map(async (name) => {
      const elsewhere = await freshStore(path.join(folder, name));
      const context = { store: elsewhere, tools, logger };
      await importKey(context, "shared", secret);
      const one = await publish({ ...context, packages: packages.toReversed(), key: "shared" });
      const files = (await readdir(one.folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name !== "cleanroom.repo")
        .map((entry) => path.relative(one.folder, path.join(entry.parentPath, entry.name)));
      const digests = files.map(async (file) => [
        file,
        await sha256File(path.join(one.folder, file)),
      ]);
      return { id: one.id, files: Object.fromEntries(await Promise.all(digests)) as unknown };
    }),
  );
  expect(contents[0]).toEqual(contents[1]);
});

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
    const copy = await spoilableCopy("verify-packages");
    const [hello, world] = generation.packages.map((one) => one.location);
    await changeLastByte(path.join(copy, hello ?? ""));
    await rm(path.join(copy, world ?? ""));
    expect(await codes(copy)).toEqual([
      expect.stringMatching(/^package-(digest|missing) Packages/),
      expect.stringMatching(/^package-(digest|missing) Packages/),
    ]);
  });

  test("refuses metadata that was changed, and a key that is not trusted", async () => {
    const copy = await spoilableCopy("verify-metadata");
    await changeLastByte(path.join(copy, "repodata/repomd.xml"));
    expect(await codes(copy)).toEqual(["metadata repodata"]);
    const other = await signingKey({ store, tools, logger }, "other");
    expect(await codes(generation.folder, other.publicKey)).toEqual(["metadata repodata"]);
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

test("dnf shows the groups and updates of a repository", async () => {
  const extras = repositoryFileSchema.parse({
    groups: [{ id: "greetings", name: "Greetings", packages: ["hello"] }],
    updates: [
      {
        id: "CR-1",
        type: "security",
        severity: "Low",
        issued: "2026-01-31",
        title: "hello",
        packages: ["hello"],
      },
    ],
  });
  const told = await publish({ store, tools, logger, packages, extras, repository: "told" });
  await whileServing({ folder: told.folder }, async ({ url }) => {
    const client = await clientOf("told", url);
    expect((await dnf(client, ["group", "list"])).stdout).toContain("Greetings");
    expect(await dnf(client, ["group", "install", "greetings"])).toMatchObject({ exitCode: 0 });
    expect(installed(client, "hello")).toBe(true);
    const updates = await dnf(client, ["updateinfo", "list", "--all"]);
    expect(updates.stdout).toMatch(/CR-1 +Low\/Sec\. +hello-1\.0-1\.noarch/);
  });
});

describe("keys", () => {
  const context = (): PublisherContext => ({ store, tools, logger });

  /** A client that trusts one key and will not learn another. */
  async function clientTrusting(name: string, url: string, publicKey: string): Promise<Client> {
    const client = await clientOf(name, url);
    await writeFile(path.join(client.folder, "trusted.asc"), publicKey);
    const repo = path.join(client.folder, "repos/cleanroom.repo");
    const text = await readFile(repo, "utf8");
    await writeFile(repo, text.replace(/^gpgkey=.*$/m, "gpgkey=file:///work/trusted.asc"));
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
      const client = await clientOf("rotated-both", url);
      expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
    });
    await rotateKey(context(), repository, 0);
    const last = await publish({ ...context(), packages, repository, key: repository });
    await whileServing({ folder: last.folder }, async ({ url }) => {
      const client = await clientTrusting("rotated-late", url, fresh.publicKey);
      expect((await dnf(client, ["makecache"])).exitCode).not.toBe(0);
    });
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
      const client = await clientOf("outside", url);
      expect(await dnf(client, ["install", "hello"])).toMatchObject({ exitCode: 0 });
    });
    const silent = { ...signer, command: ["true"] as const };
    await expect(
      publish({ ...context(), packages, repository: "silent", signer: silent }),
    ).rejects.toMatchObject({ code: "signing-command" });
  });

  test("a key of the user's signs; when it has expired, it does not, and clients refuse what it signed", async () => {
    const seconds = 25;
    const secret = await makeSecretKey(tools, seconds);
    const expiresMs = Date.now() + seconds * 1000;
    const mine = await importKey(context(), "mine", secret);
    const repository = "mine";
    const published = await publish({ ...context(), packages, repository, key: "mine" });
    expect(published.keyFingerprint).toBe(mine.fingerprint);
    await whileServing({ folder: published.folder }, async ({ url }) => {
      const early = await clientOf("expiring", url);
      expect(await dnf(early, ["makecache"])).toMatchObject({ exitCode: 0 });
      await setTimeout(Math.max(0, expiresMs - Date.now()) + 1000);
      const late = await clientOf("expired", url);
      const result = await dnf(late, ["install", "hello"]);
      expect(result.exitCode).not.toBe(0);
      expect(installed(late, "hello")).toBe(false);
    });
    await expect(publish({ ...context(), packages, key: "mine" })).rejects.toMatchObject({
      code: "key-expired",
    });
  });
});

describe.skipIf(!existsSync("/usr/bin/zypper"))("zypper", () => {
  test("installs over HTTP with signatures checked", async () => {
    await whileServing({ store }, async ({ url }) => {
      const client = await clientOf("zypper", url);
      const result = await zypper(client, ["--gpg-auto-import-keys", "install", "hello"]);
      expect(result).toMatchObject({ exitCode: 0 });
      expect([installed(client, "hello"), installed(client, "world")]).toEqual([true, true]);
    });
  });

  test("a key that is not trusted, a changed package and changed metadata are refused", async () => {
    await whileServing({ store }, async ({ url }) => {
      const client = await clientOf("zypper-unknown", url);
      expect(await zypper(client, ["install", "hello"])).not.toMatchObject({ exitCode: 0 });
      expect(installed(client, "hello")).toBe(false);
    });
    const copies = { package: generation.packages[0]?.location, metadata: "repodata/repomd.xml" };
    for (const [name, file] of Object.entries(copies)) {
      const copy = await spoilableCopy(`zypper-${name}`);
      await changeLastByte(path.join(copy, file ?? ""));
      await whileServing({ folder: copy }, async ({ url }) => {
        const client = await clientOf(`zypper-changed-${name}`, url);
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
    await mkdir(unsigned);
    for (const { file } of packages) await copyFile(file, path.join(unsigned, path.basename(file)));
    await createrepo(tools, unsigned);
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
