import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  type Json,
  overlayLowersMax,
  overlaysWork,
  pathExists,
  type Sha256,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { activePackages, type ScriptedHeader } from "./active-packages.ts";
import { findChanges, takeWhiteouts } from "./find-changes.ts";
import { closureOf, type ClosurePackage, type Repository } from "./closure.ts";
import { withPackagesChecked } from "./damaged-packages.ts";
import { LinkedTree } from "./link-tree.ts";
import { type PackageLayer, packageLayers } from "./package-layers.ts";
import { isMade, type RootOptions } from "./root.ts";
import { makeOwnFolders, runInstaller } from "./run-installer.ts";

/** Raised when the way such a root is installed changes. */
const layeredRootEpoch = 1;

/** A package to be installed, whose file is in the store, and its header. */
export interface PackageToInstall {
  readonly entry: ClosurePackage;
  readonly header: ScriptedHeader & { readonly nevra: string };
}

/** A package of a {@link LayeredRoot}. */
export interface InstalledPackage extends PackageLayer {
  /** Whether it was there when scriptlets ran: see {@link activePackages}. */
  readonly isActive: boolean;
}

/**
 * An installed closure that is not laid out as one tree. Nothing of it may be written.
 */
export interface LayeredRoot {
  /** In the order they were asked for: each with its files in a folder of its own. */
  readonly packages: readonly InstalledPackage[];
  /** Host folder: what scriptlets and triggers made or changed, where it is below the root. */
  readonly changes: string;
  /** What they removed of the active packages' files and folders, below the root. */
  readonly removed: readonly string[];
  /** Host file: rpm's database, the same for the same packages. It may still be in the making. */
  readonly database: Promise<string>;
}

/**
 * Installs packages for somebody who takes the root apart again. Scriptlets and triggers run once for
 * all roots with the same active packages, in a root that holds these alone; and rpm's database is made
 * from that of a root with nearly the same packages. So a package that takes no part in an installation
 * costs its own files and its own rows.
 *
 * @throws {CleanroomError} `packages-damaged`, and rpm's own words
 */
export async function makeLayeredRoot(
  store: Store,
  tools: Tools,
  packages: readonly PackageToInstall[],
  repositories: readonly Repository[],
  options: RootOptions,
): Promise<LayeredRoot> {
  const closure = closureOf(packages.map(({ entry }) => entry));
  const isActive = activePackages(packages.map(({ header }) => header));
  const work: Work = { store, tools, options };
  const checked = <Result>(make: () => Promise<Result>): Promise<Result> =>
    withPackagesChecked(store, closure, repositories, make);
  return checked(async () => {
    const active = packages.filter((_, index) => isActive[index]);
    const unpacked = packageLayers(store, tools, closure, options).then(
      (layers) => new Map(layers.map((one) => [one.sha256, one])),
    );
    // Whoever waits for it is told of a failure; until then nobody may be listening.
    const ended = (one: Promise<unknown>): Promise<void> =>
      one.then(
        () => undefined,
        () => undefined,
      );
    void ended(unpacked);
    const effects = await scriptletEffects(work, active, unpacked);
    const atWork = Promise.withResolvers<void>();
    const roots = { effects, active, all: packages, unpacked };
    const database = checked(() => databaseOf(work, roots, atWork.resolve));
    const done = ended(database);
    const layers = await layersOf(unpacked, packages);
    // Whoever computes meanwhile keeps nothing from starting.
    await Promise.race([atWork.promise, done]);
    return {
      packages: layers.map((layer, index) => ({ ...layer, isActive: isActive[index] === true })),
      changes: path.join(effects, "changes"),
      removed: JSON.parse(await readFile(path.join(effects, "removed.json"), "utf8")) as string[],
      database,
    };
  });
}

interface Work {
  readonly store: Store;
  readonly tools: Tools;
  readonly options: RootOptions;
}

/** Packages as they were unpacked, by digest, once they all are. */
type Unpacked = Promise<ReadonlyMap<Sha256, PackageLayer>>;

async function layersOf(
  unpacked: Unpacked,
  packages: readonly PackageToInstall[],
): Promise<readonly PackageLayer[]> {
  const layers = await unpacked;
  return packages.map(({ entry }) => {
    const layer = layers.get(entry.sha256);
    if (layer === undefined) throw new Error(`${entry.name} was not unpacked`);
    return layer;
  });
}

function keyOf(
  what: string,
  { tools, options }: Work,
  packages: readonly PackageToInstall[],
): Sha256 {
  return sha256Json([
    ...[what, layeredRootEpoch, tools.digest, options.docs, options.languages ?? null],
    packages.map(({ entry }) => entry.sha256),
  ]);
}

/**
 * The host folder of what scriptlets do to active packages: `changes/`, `removed.json`, and the
 * database of these packages, `rpmdb.sqlite`.
 */
async function scriptletEffects(
  work: Work,
  active: readonly PackageToInstall[],
  unpacked: Unpacked,
): Promise<string> {
  const { store } = work;
  const digest = keyOf("layered-root", work, active);
  const effects = store.path("roots", digest);
  if (await isMade(effects)) return effects;
  return store.withLock(`root-${digest}`, async () => {
    if (await pathExists(effects)) return effects;
    return store.withTemporaryFolder("root", async (folder) => {
      const made = path.join(folder, "effects");
      await mkdir(made);
      const layers = await layersOf(unpacked, active);
      await runScriptlets(work, { active, layers }, folder, made);
      await adoptFolder(made, effects);
      return effects;
    });
  });
}

async function runScriptlets(
  { store, tools, options }: Work,
  {
    active,
    layers,
  }: { readonly active: readonly PackageToInstall[]; readonly layers: readonly PackageLayer[] },
  folder: string,
  made: string,
): Promise<void> {
  const at = (name: string): string => path.join(folder, name);
  const changes = path.join(made, "changes");
  for (const name of [at("packages"), at("work"), at("merged"), changes]) await mkdir(name);
  await makeOwnFolders(at("own"));
  const isOverlaid = await overlaysWork(folder);
  let lowers = [...layers.map(({ files }) => files).toReversed(), at("own")];
  const tree = new LinkedTree(at("own"), { copies: !isOverlaid });
  if (!isOverlaid || lowers.length > overlayLowersMax || leadsThroughLinks(active)) {
    for (const { files } of layers) tree.add(files);
    lowers = [at("own")];
  }
  const target = isOverlaid ? at("merged") : at("own");
  const opaque = await runInstaller(
    store,
    tools,
    { packages: at("packages"), changes, database: made, target },
    {
      ...options,
      packages: layers,
      states: Promise.resolve(layers.map(({ states }) => states)),
      scriptlets: true,
      ordered: true,
    },
    isOverlaid ? { lowers, upper: changes, work: at("work"), target } : undefined,
  );
  const removed = isOverlaid
    ? takeWhiteouts(changes, opaque)
    : findChanges(at("own"), tree.copied, changes);
  await writeFile(path.join(made, "removed.json"), JSON.stringify(removed));
}

/** Whether a package has files in what is a symbolic link of another: an overlay would hide them. */
function leadsThroughLinks(packages: readonly PackageToInstall[]): boolean {
  const files = packages.flatMap(({ header }) => header.files);
  const links = new Set(files.filter(({ type }) => type === "symlink").map(({ path }) => path));
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (folders.has(folder)) break;
      folders.add(folder);
      if (links.has(folder)) return true;
    }
  }
  return false;
}

/** Of a database: its packages, by the digest of their files, and their names. */
type DatabasePackages = readonly (readonly [sha256: Sha256, nevra: string])[];

interface KnownDatabase {
  readonly file: string;
  readonly packages: DatabasePackages;
}

/**
 * rpm's database with all packages: kept, or made from the most similar one there is.
 *
 * @param onWork called when rpm is at work on it
 */
async function databaseOf(
  work: Work,
  roots: {
    readonly effects: string;
    readonly active: readonly PackageToInstall[];
    readonly all: readonly PackageToInstall[];
    readonly unpacked: Unpacked;
  },
  onWork: () => void,
): Promise<string> {
  const { store, tools, options } = work;
  const { effects, active, all, unpacked } = roots;
  const own: KnownDatabase = {
    file: path.join(effects, "rpmdb.sqlite"),
    packages: databasePackages(active),
  };
  if (active.length === all.length) return own.file;
  const key = keyOf("rpm-database", work, all);
  const known = (await store.action(key))?.outputs[0];
  const file = known === undefined ? undefined : await store.blob(known.sha256);
  if (file !== undefined) return file;
  const lastKey = keyOf("last-rpm-database", work, active);
  const last = await lastDatabase(store, lastKey);
  const before = [own, ...(last === undefined ? [] : [last])]
    .map((one) => ({ ...one, ...difference(one.packages, all) }))
    .reduce((a, b) =>
      b.removed.length + b.added.length < a.removed.length + a.added.length ? b : a,
    );
  return store.withTemporaryFolder("database", async (folder) => {
    const at = (name: string): string => path.join(folder, name);
    for (const name of ["packages", "changes", "database"]) await mkdir(at(name));
    await makeOwnFolders(at("target"));
    await copyFile(before.file, at("database/before.sqlite"));
    await runInstaller(
      store,
      tools,
      {
        packages: at("packages"),
        changes: at("changes"),
        database: at("database"),
        target: at("target"),
      },
      {
        ...options,
        packages: before.added.map(({ entry }) => entry),
        states: layersOf(unpacked, before.added).then((layers) =>
          layers.map(({ states }) => states),
        ),
        scriptlets: false,
        before: before.packages.map(([, nevra]) => nevra),
        removed: before.removed,
        ordered: true,
      },
      undefined,
      onWork,
    );
    const put = await store.takeFile(at("database/rpmdb.sqlite"));
    const outputs = [{ name: "rpmdb.sqlite", ...put }];
    const packages = databasePackages(all) as unknown as Json;
    await Promise.all([
      store.putAction(key, { outputs, facts: {} }),
      store.putAction(lastKey, { outputs, facts: { packages } }),
    ]);
    return store.blobPath(put.sha256);
  });
}

function databasePackages(packages: readonly PackageToInstall[]): DatabasePackages {
  return packages.map(({ header, entry }) => [entry.sha256, header.nevra] as const);
}

async function lastDatabase(store: Store, key: Sha256): Promise<KnownDatabase | undefined> {
  const known = await store.action(key);
  const blob = known?.outputs[0]?.sha256;
  const file = blob === undefined ? undefined : await store.blob(blob);
  if (known === undefined || file === undefined) return undefined;
  return { file, packages: known.facts["packages"] as unknown as DatabasePackages };
}

/** What has to leave a database and what has to come. */
function difference(
  before: DatabasePackages,
  all: readonly PackageToInstall[],
): { readonly removed: readonly string[]; readonly added: readonly PackageToInstall[] } {
  const wanted = new Set(all.map(({ entry }) => entry.sha256));
  const there = new Set(before.map(([sha256]) => sha256));
  return {
    removed: before.flatMap(([sha256, nevra]) => (wanted.has(sha256) ? [] : [nevra])),
    added: all.filter(({ entry }) => !there.has(entry.sha256)),
  };
}
