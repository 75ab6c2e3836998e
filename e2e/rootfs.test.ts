import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  createLogger,
  defaultStoreFolder,
  removeFolder,
  run,
  runInSandbox,
  Store,
  type Tools,
} from "@cleanroom/core";
import {
  type Closure,
  fetchClosure,
  type LayeredRoot,
  makeLayeredRoot,
  makeRoot,
  type PackageToInstall,
  resolveClosure,
} from "@cleanroom/rootfs";
import { readRpmHeaderBytes } from "rpm-parser";
import { serve } from "@cleanroom/repo-publisher";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { baseRepository, Session } from "../packages/cli/src/session.ts";

/** Roots made of unpacked packages, held against what rpm makes of the same closure. */

const logger = createLogger({ format: "human", quiet: true, write: () => undefined });

let folder: string;
let tools: Tools;
let closure: Closure;
let repositories: Parameters<typeof makeRoot>[3];
let expected: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "rootfs-"));
  const options = { json: false, logFormat: "human", quiet: true, base: "debian-trixie" };
  const session = new Session({ ...options, store: defaultStoreFolder(process.env) });
  const base = await session.base();
  const store = await session.store();
  tools = base.tools;
  repositories = [baseRepository(base)];
  closure = await resolveClosure(store, tools, {
    name: "rootfs-test",
    // Programs in many folders, and all that have something to do at the end of an installation.
    requires: [...base.file.essential, "gcc", "docbook-xsl", "dbus-daemon"],
    repositories,
    arch: base.file.arch,
  });
  expected = path.join(folder, "expected");
  await installWithRpm(store, expected);
});

afterAll(() => removeFolder(folder));

async function installWithRpm(store: Store, target: string): Promise<void> {
  await fetchClosure(store, closure, repositories);
  const packages = path.join(folder, "packages");
  for (const { sha256 } of closure.packages) {
    await store.materialize(sha256, path.join(packages, `${sha256}.rpm`));
  }
  const manifest = closure.packages.map(({ sha256 }) => `/packages/${sha256}.rpm\n`).join("");
  await writeFile(path.join(packages, "manifest"), manifest);
  for (const name of ["proc", "dev", "tmp", "run", "sys", "usr"]) {
    await mkdir(path.join(target, name), { recursive: true });
  }
  await runInSandbox(
    {
      root: tools.root,
      mounts: [
        { source: packages, target: "/packages" },
        { source: target, target: "/target", writable: true },
      ],
      chroots: ["/target"],
      capabilities: ["CAP_SYS_CHROOT"],
      env: { SOURCE_DATE_EPOCH: "0" },
    },
    [
      ...["sh", "-c", 'umask 022; exec "$@"', "sh", "rpm", "--install", "--root", "/target"],
      ...["--dbpath", "/usr/lib/sysimage/rpm", "--nosignature", "--noplugins", "--nocaps"],
      ...["--excludedocs", "/packages/manifest"],
    ],
  );
}

/** All rows of rpm's database: how often the file was written is no content. */
async function dumpDatabase(root: string): Promise<string> {
  const { stdout } = await runInSandbox(
    {
      root: tools.root,
      mounts: [{ source: path.join(root, "usr/lib/sysimage/rpm"), target: "/database" }],
    },
    ["sqlite3", "file:/database/rpmdb.sqlite?immutable=1", ".dump"],
  );
  return createHash("sha256").update(stdout).digest("hex");
}

/** Every entry with its kind, mode, link target and content. */
async function describeTree(root: string): Promise<string[]> {
  const arguments_ = [root, "-mindepth", "1", "-printf", "%P\t%y\t%m\t%l\n"];
  const { stdout } = await run("find", arguments_);
  const lines = stdout.trimEnd().split("\n").toSorted();
  const described: string[] = [];
  for (const line of lines) {
    const [name = "", kind, mode, target] = line.split("\t");
    // ldconfig's own cache holds inode numbers; rpm's lock and journal are no content; and the
    // modes of mount points are the sandbox's.
    if (/aux-cache$|\.rpm\.lock$|rpmdb\.sqlite-(?:shm|wal)$/.test(name)) continue;
    if (["proc", "dev", "tmp", "run", "sys"].includes(name)) continue;
    const content = name.endsWith("/rpmdb.sqlite")
      ? await dumpDatabase(root)
      : kind === "f"
        ? createHash("sha256")
            .update(await readFile(path.join(root, name)))
            .digest("hex")
        : target;
    described.push([name, kind, kind === "l" ? "" : mode, content].join(" "));
  }
  return described;
}

// Where the store's path has a comma there are no overlays: the options of a mount end at one.
test.each([
  ["linked, rpm at work on an overlay", "store"],
  ["copied", "a,store"],
])("a root is what rpm installs, its database included: %s", async (_how, name) => {
  const store = await Store.open(path.join(folder, name), logger);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  const [made, wanted] = [await describeTree(root), await describeTree(expected)];
  expect(made.filter((line) => !wanted.includes(line))).toEqual([]);
  expect(wanted.filter((line) => !made.includes(line))).toEqual([]);
});

test("rpm can be asked in a root, where nothing can be written", async () => {
  const store = await Store.open(path.join(folder, "store"), logger);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  const mounts = [{ source: path.join(root, "usr/lib/sysimage/rpm"), target: "/database" }];
  const { stdout } = await runInSandbox({ root: tools.root, mounts }, [
    ...["rpm", "--dbpath", "/database", "-qa", "--qf", "%{NAME}\\n"],
  ]);
  expect(stdout.trim().split("\n").toSorted()).toEqual(
    closure.packages.map((entry) => entry.name).toSorted(),
  );
});

test("roots share the files of their packages", async () => {
  const store = await Store.open(path.join(folder, "store"), logger);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  // Of a file with several names du counts the first that it meets: what is left is the root's own.
  const { stdout: alone } = await run("du", ["-sb", root]);
  const { stdout: both } = await run("du", ["-sb", store.path("layers"), root]);
  const own = Number(both.trimEnd().split("\n")[1]?.split("\t")[0]);
  expect(own).toBeLessThan(Number(alone.split("\t")[0]) / 10);
});

test("a package that was damaged in the store is named, and fetched anew by the next run", async () => {
  const store = await Store.open(path.join(folder, "store"), logger);
  const root = await makeRoot(store, tools, closure, repositories, { docs: false });
  await removeFolder(root);
  const damaged = closure.packages.find(({ name }) => name === "gcc");
  const blob = store.blobPath(damaged?.sha256 ?? "");
  const bytes = await readFile(blob);
  // Its headers: the payload was unpacked before.
  bytes.fill(0xff, 96, 400);
  await chmod(blob, 0o644);
  await writeFile(blob, bytes);
  const again = (): Promise<string> =>
    makeRoot(store, tools, closure, repositories, { docs: false });
  await expect(again()).rejects.toMatchObject({
    code: "packages-damaged",
    message: expect.stringMatching(/: gcc-[^,]*$/) as string,
  });
  expect(await again()).toBe(root);
  expect(await store.blob(damaged?.sha256 ?? "")).toBe(blob);
});

async function packagesOf(store: Store): Promise<readonly PackageToInstall[]> {
  await fetchClosure(store, closure, repositories);
  return Promise.all(
    closure.packages.map(async (entry) => ({
      entry,
      header: readRpmHeaderBytes(await readFile(store.blobPath(entry.sha256))),
    })),
  );
}

/** A layered root as one tree, all but the database. */
async function layOut(root: LayeredRoot, target: string): Promise<void> {
  for (const name of ["proc", "dev", "tmp", "run", "sys", "usr/lib/sysimage/rpm"]) {
    await mkdir(path.join(target, name), { recursive: true });
  }
  const layOver = (from: string): Promise<unknown> => run("cp", ["-a", `${from}/.`, target]);
  const packages = (isActive: boolean): string[] =>
    root.packages.filter((one) => one.isActive === isActive).map(({ files }) => files);
  for (const files of packages(true)) await layOver(files);
  for (const removed of root.removed) await removeFolder(path.join(target, removed));
  await layOver(root.changes);
  for (const files of packages(false)) await layOver(files);
}

/**
 * Rows of rpm's database with names for numbers, and what rpm knows of each package and file, but when
 * it was installed.
 */
async function databaseContent(database: string): Promise<string[]> {
  const tables = ["Basenames", "Dirnames", "Providename", "Requirename", "Conflictname"].concat(
    ["Obsoletename", "Group", "Sha1header", "Transfiletriggername", "Filetriggername"],
    ["Triggername", "Recommendname", "Suggestname", "Supplementname", "Enhancename"],
  );
  const rows = tables.map(
    (table) => `SELECT '${table}', a.key, n.key, a.idx FROM "${table}" a JOIN Name n USING (hnum);`,
  );
  const tags = "%{NEVRA} %{SIZE} %{INSTALLTID} %{SHA256HEADER}";
  const files = "[%{NEVRA} %{FILENAMES} %{FILESTATES} %{FILEDIGESTS} %{FILEMODES:octal}\\n]";
  const script = `mkdir /tmp/database; cp "$1" /tmp/database/rpmdb.sqlite
    test ! -e "$1-wal" || cp "$1-wal" /tmp/database/rpmdb.sqlite-wal
    sqlite3 /tmp/database/rpmdb.sqlite "$2"; rpm --dbpath /tmp/database -qa --qf "$3"`;
  const { stdout } = await runInSandbox(
    { root: tools.root, mounts: [{ source: path.dirname(database), target: "/database" }] },
    [
      ...["sh", "-ec", script, "sh", `/database/${path.basename(database)}`],
      ...[rows.join("\n"), `${tags}\\n${files}`],
    ],
  );
  const lines = stdout.split("\n");
  expect(lines.length).toBeGreaterThan(5000);
  return lines.toSorted();
}

test.each([
  ["an overlay of the packages", "store"],
  ["copies", "a,store"],
])("a root in layers is what rpm installs, its database included: %s", async (_how, name) => {
  const store = await Store.open(path.join(folder, name), logger);
  const packages = await packagesOf(store);
  const root = await makeLayeredRoot(store, tools, packages, repositories, { docs: false });
  expect(new Set(root.packages.map(({ isActive }) => isActive)).size).toBe(2);
  const target = path.join(folder, `${name}-laid-out`);
  await mkdir(target);
  await layOut(root, target);
  const isFile = (line: string): boolean => !line.includes("rpmdb.sqlite ");
  const [made, wanted] = [await describeTree(target), await describeTree(expected)];
  expect(made.filter((line) => !wanted.includes(line))).toEqual([]);
  expect(wanted.filter((line) => isFile(line) && !made.includes(line))).toEqual([]);
  const rpmDatabase = path.join(expected, "usr/lib/sysimage/rpm/rpmdb.sqlite");
  expect(await databaseContent(await root.database)).toEqual(await databaseContent(rpmDatabase));
  await removeFolder(target);
});

describe("resolving", () => {
  const request = { name: "resolve-test", requires: ["bash"], arch: "x86_64" };
  let copy: string;
  let store: Store;

  beforeAll(async () => {
    copy = path.join(folder, "copy");
    const { location } = repositories[0] ?? {};
    const from = location !== undefined && "folder" in location ? location.folder : "";
    await run("cp", ["-a", "--link", from, copy]);
    store = await Store.open(path.join(folder, "resolving"), logger);
  });

  const resolve = (change: object, location: { folder: string } | { url: string }) =>
    resolveClosure(store, tools, {
      ...request,
      repositories: [{ id: "copy", priority: 1, digest: JSON.stringify(location), location }],
      ...change,
    });

  test("a repository is the same over HTTP", async () => {
    const server = await serve({ folder: copy, port: 0, logger });
    try {
      const [here, there] = [
        await resolve({}, { folder: copy }),
        await resolve({}, { url: server.url }),
      ];
      expect(here.packages.length).toBeGreaterThan(5);
      expect(there.digest).toBe(here.digest);
    } finally {
      await server.stop();
    }
  });

  test("what cannot be fulfilled says who needs what", async () => {
    const requires = ["bash < 1", "(no-such-package if bash)", "bash"];
    await expect(resolve({ requires }, { folder: copy })).rejects.toMatchObject({
      code: "unsolvable",
      message: expect.stringContaining(
        "nothing provides bash < 1 needed by resolve-test",
      ) as string,
    });
    await expect(resolve({ conflicts: ["bash"] }, { folder: copy })).rejects.toMatchObject({
      code: "unsolvable",
    });
  });

  test("metadata other than repomd.xml names, or none, is an error that names the repository", async () => {
    const repodata = path.join(copy, "repodata");
    const primary = (await readdir(repodata)).find((name) => name.includes("primary")) ?? "";
    await rename(path.join(repodata, primary), path.join(repodata, "kept"));
    const bytes = await readFile(path.join(repodata, "kept"));
    bytes[100] = 255 - (bytes[100] ?? 0);
    await writeFile(path.join(repodata, primary), bytes);
    const isUnusable = (why: string): object => ({
      code: "repository-unusable",
      message: expect.stringMatching(new RegExp(`^repository copy: .*${why}`)) as string,
    });
    await expect(resolve({ name: "a" }, { folder: copy })).rejects.toMatchObject(
      isUnusable("is not the file that repomd.xml names"),
    );
    await rm(path.join(repodata, primary));
    await expect(resolve({ name: "b" }, { folder: copy })).rejects.toMatchObject(
      isUnusable("No such file"),
    );
    await expect(resolve({ name: "c" }, { url: "http://127.0.0.1:1" })).rejects.toMatchObject(
      isUnusable("Connection refused"),
    );
  });
});

test("a database is the same whichever it was made from, and so are the scriptlets' effects", async () => {
  const store = await Store.open(path.join(folder, "store"), logger);
  const packages = await packagesOf(store);
  const make = (some: readonly PackageToInstall[]): Promise<LayeredRoot> =>
    makeLayeredRoot(store, tools, some, repositories, { docs: false });
  const all = await make(packages);
  const inert = packages.filter((_, index) => all.packages[index]?.isActive === false);
  const digests: string[] = [];
  const without = async (left: readonly PackageToInstall[]): Promise<void> => {
    const root = await make(packages.filter((one) => !left.includes(one)));
    expect(root.changes).toBe(all.changes);
    digests.push(
      createHash("sha256")
        .update(await readFile(await root.database))
        .digest("hex"),
    );
  };
  // From the one with all packages, from the one before, and from that of the active packages alone.
  const [first, second] = [inert.slice(0, 1), inert.slice(1, 2)];
  await without(first);
  await without([...first, ...second]);
  await removeFolder(store.path("ac"));
  await without([...first, ...second]);
  await without(first);
  expect(digests[3]).toBe(digests[0]);
  expect(digests[2]).toBe(digests[1]);
  expect(digests[0]).not.toBe(digests[1]);
});
