import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Base, importBase, readBaseLock } from "@cleanroom/base-import";
import {
  baseFileSchema,
  type CommandResult,
  defaultStoreFolder,
  readYamlFile,
  runInSandbox,
  sha256,
  sha256File,
  silentLogger,
  Store,
  type Tools,
} from "@cleanroom/core";
import { readProfiles } from "@cleanroom/spec-strip";

const workspace = path.resolve(import.meta.dirname, "..");
const baseFolder = path.join(workspace, "specs/base/debian-trixie");

/** The base of the user's store, imported when it is not there yet: for its tools and packages. */
export async function importedBase(): Promise<Base> {
  const store = await Store.open(defaultStoreFolder(process.env), silentLogger);
  const baseFile = path.join(baseFolder, "base.yaml");
  const file = await readYamlFile(baseFile, baseFileSchema, baseFile);
  const lockFile = path.join(baseFolder, "base.lock.yaml");
  const lock = await readBaseLock(lockFile, lockFile);
  const profiles = await readProfiles(workspace, file.profiles);
  return importBase(store, { name: "debian-trixie", file, lock, profiles }, silentLogger);
}

/** The host's client programs where it has them, else those of the tools root. */
export function clientRoot(tools: Tools): string {
  return existsSync("/usr/bin/dnf") ? "/" : tools.root;
}

/** A store of the test's own, below `folder`. */
export async function freshStore(folder: string): Promise<Store> {
  return Store.open(path.join(folder, "store"), silentLogger);
}

export interface BuiltPackage {
  readonly file: string;
  readonly sha256: string;
}

const macros = {
  _topdir: "/tmp/build",
  _rpmdir: "/rpms",
  _tmppath: "/tmp",
  _buildhost: "cleanroom",
  use_source_date_epoch_as_buildtime: 1,
  _build_name_fmt: "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
} as const;

/**
 * Builds one small package per spec text with the tools root's rpmbuild.
 *
 * @returns the packages sorted by file name
 */
export async function buildPackages(
  tools: Tools,
  folder: string,
  specs: Readonly<Record<string, string>>,
): Promise<readonly BuiltPackage[]> {
  const rpms = path.join(folder, "rpms");
  const sources = path.join(folder, "specs");
  await mkdir(rpms, { recursive: true });
  await mkdir(sources, { recursive: true });
  for (const [name, text] of Object.entries(specs)) {
    await writeFile(path.join(sources, `${name}.spec`), text);
  }
  await runInSandbox(
    {
      root: tools.root,
      mounts: [
        { source: sources, target: "/specs" },
        { source: rpms, target: "/rpms", writable: true },
      ],
      env: { SOURCE_DATE_EPOCH: "1700000000" },
    },
    [
      "rpmbuild",
      "--quiet",
      "-bb",
      ...Object.entries(macros).flatMap(([name, value]) => ["--define", `${name} ${value}`]),
      ...Object.keys(specs).map((name) => `/specs/${name}.spec`),
    ],
    { step: "rpmbuild" },
  );
  const files = (await readdir(rpms)).toSorted().map((name) => path.join(rpms, name));
  return Promise.all(files.map(async (file) => ({ file, sha256: sha256(await readFile(file)) })));
}

/** The spec of a package with one file; `body` adds to its preamble. */
export function specText(name: string, { version = "1.0", release = "1", body = "" } = {}): string {
  return `Name: ${name}
Version: ${version}
Release: ${release}
Summary: The package ${name}
License: MIT
BuildArch: noarch
${body}
%description
For tests.
%install
mkdir -p %{buildroot}/usr/share/${name}
echo "${name} ${version}-${release}" > %{buildroot}/usr/share/${name}/content
%files
/usr/share/${name}
`;
}

/** A client program in a root of its own: it sees the network, `/client`, and nothing else to write. */
export interface Client {
  /** Host folder that is the client's `/client`; `/client/root` is where it installs. */
  readonly folder: string;
  /** Host folder whose programs the client uses. */
  readonly root: string;
}

/** A client with the given `.repo` text and nothing installed. */
export async function makeClient(folder: string, root: string, repoText: string): Promise<Client> {
  for (const name of ["repos", "root", "log"]) {
    await mkdir(path.join(folder, name), { recursive: true });
  }
  await writeFile(path.join(folder, "repos", "cleanroom.repo"), repoText);
  await writeFile(path.join(folder, "dnf.conf"), "[main]\n");
  return { folder, root };
}

/** Runs a client's program; a failure is the result's, not an error. */
async function runClient(client: Client, argv: readonly string[]): Promise<CommandResult> {
  return runInSandbox(
    {
      root: client.root,
      only: ["usr", "bin", "sbin", "lib", "lib64", "etc", "var"],
      mounts: [{ source: client.folder, target: "/client", writable: true }],
      uid: 0,
      network: true,
      capabilities: ["CAP_SYS_CHROOT", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"],
    },
    argv,
    { accept: Array.from({ length: 256 }, (_, code) => code), timeoutMs: 120_000 },
  );
}

const dnfSettings = {
  reposdir: "/client/repos",
  cachedir: "/client/cache",
  logdir: "/client/log",
  persistdir: "/client/persist",
  module_platform_id: "platform:test",
  retries: 1,
} as const;

export async function dnf(client: Client, argv: readonly string[]): Promise<CommandResult> {
  return runClient(client, [
    "dnf",
    "-y",
    "-c",
    "/client/dnf.conf",
    "--installroot=/client/root",
    "--releasever=1",
    ...Object.entries(dnfSettings).map(([name, value]) => `--setopt=${name}=${value}`),
    ...argv,
  ]);
}

/** zypper installing into `/client/root`, whose configuration holds the `.repo` file. */
export async function zypper(client: Client, argv: readonly string[]): Promise<CommandResult> {
  const configuration = path.join(client.folder, "root/etc/zypp/repos.d");
  await cp(path.join(client.folder, "repos"), configuration, { recursive: true });
  return runClient(client, ["zypper", "--non-interactive", "--root", "/client/root", ...argv]);
}

/** Lets the tools root's createrepo_c write the metadata of all packages below `folder`. */
export async function createrepo(tools: Tools, folder: string): Promise<void> {
  await runInSandbox(
    { root: tools.root, mounts: [{ source: folder, target: "/repository", writable: true }] },
    ["createrepo_c", "--quiet", "/repository"],
  );
}

/** At most `count` packages of a base. */
export async function basePackages(base: Base, count: number): Promise<readonly BuiltPackage[]> {
  const folder = path.join(base.repository, "Packages");
  const names = (await readdir(folder)).toSorted().slice(0, count);
  return Promise.all(
    names.map(async (name) => {
      const file = path.join(folder, name);
      return { file, sha256: await sha256File(file) };
    }),
  );
}

/** A secret key in ASCII armour, as a user would bring it; without `lifeDays` it does not expire. */
export async function makeSecretKey(
  tools: Tools,
  { lifeDays = 0, createdSeconds = Math.floor(Date.now() / 1000) } = {},
): Promise<string> {
  const script = `
export GNUPGHOME=/tmp/gnupg
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --faked-system-time "$2!" --passphrase '' \\
  --quick-generate-key "A user" rsa3072 sign "$1"
gpg --batch --armor --export-secret-keys
`;
  const life = lifeDays === 0 ? "never" : `${lifeDays}d`;
  const argv = ["sh", "-euc", script, "sh", life, String(createdSeconds)];
  return (await runInSandbox({ root: tools.root }, argv)).stdout;
}
