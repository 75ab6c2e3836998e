import { availableParallelism } from "node:os";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import {
  adoptFolder,
  type BaseFile,
  CleanroomError,
  describeDuration,
  type Logger,
  mapConcurrent,
  nameMatcher,
  pathExists,
  runInSandbox,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { describeUnmatched, type Profile, profilesDigest } from "@cleanroom/spec-strip";
import { PrivateApt } from "./apt.ts";
import { buildImportedRpm } from "./build-rpm.ts";
import { specOf } from "./convert.ts";
import { sonamesOf } from "./deb-contents.ts";
import { parseControl } from "./deb-control.ts";
import { fetchPackages } from "./fetch-packages.ts";
import type { BaseLock, LockedPackage } from "./lock-file.ts";
import { readDeb } from "./read-deb.ts";
import { strippedSpec } from "./stripped-spec.ts";
import { makeToolsRoot } from "./tools-root.ts";

/** Raised when what a base repository holds beyond its packages changes. */
const repositoryEpoch = 3;

/** An imported base: a repository of RPMs, and the tools that came with it. */
export interface Base {
  readonly name: string;
  readonly file: BaseFile;
  readonly tools: Tools;
  /** ccache, where base.yaml names it. */
  readonly compilerCache: Tools | undefined;
  /** rpmlint, unpacked when it is first asked for; undefined where base.yaml does not name it. */
  readonly linter: () => Promise<Tools | undefined>;
  /** libdeflate, where base.yaml names it. */
  readonly compressor: Tools | undefined;
  /** What compiles locales, unpacked when it is first asked for; undefined where base.yaml names nothing. */
  readonly locales: () => Promise<Tools | undefined>;
  /** Host folder with `Packages/` and `repodata/`. */
  readonly repository: string;
  /** Over everything the repository was made of. */
  readonly digest: string;
}

/** A base as the workspace describes it. */
export interface BaseDefinition {
  readonly name: string;
  readonly file: BaseFile;
  readonly lock: BaseLock;
  /** Those that base.yaml names, read. */
  readonly profiles: readonly Profile[];
}

/**
 * Makes sure that the base is in the store: packages fetched, the tools unpacked, every package
 * converted, the repository's metadata written. Only what is new is done.
 *
 * @throws {CleanroomError} of the steps; `base-lock-stale` when base.yaml names what is not locked
 */
export async function importBase(
  store: Store,
  definition: BaseDefinition,
  logger: Logger,
): Promise<Base> {
  const { name, file, lock, profiles } = definition;
  checkLock(name, file, lock);
  const { packages, tools: locked } = lock;
  const digest = sha256Json([
    ...[repositoryEpoch, { packages, tools: locked }, file.arch, file.fixups, file.exclude],
    profilesDigest(profiles),
  ]);
  const repository = store.path("repos", `base-${name}`, digest);
  const apt = once(() => PrivateApt.open(store, name, file));
  const done = await pathExists(path.join(repository, "repodata/repomd.xml"));
  const unpack = (
    kind: Parameters<typeof makeToolsRoot>[1],
    debs: readonly LockedPackage[],
  ): Promise<Tools> =>
    makeToolsRoot(store, kind, debs, logger, () => fetchPackages(store, apt, debs, logger));
  const unpackIfAny = async (
    kind: "ccache" | "compressor" | "linter" | "locales",
    debs: readonly LockedPackage[],
  ): Promise<Tools | undefined> => (debs.length === 0 ? undefined : unpack(kind, debs));
  const tools = await unpack("tools", locked);
  const compilerCache = await unpackIfAny("ccache", lock.compilerCache);
  const compressor = await unpackIfAny("compressor", lock.compressor);
  const linter = once(() => unpackIfAny("linter", lock.linter));
  const locales = once(() => unpackIfAny("locales", lock.locales));
  const roots = { tools, compilerCache, compressor, linter, locales };
  const base = { name, file, ...roots, repository, digest };
  if (done) return base;
  await fetchPackages(store, apt, lock.packages, logger);
  return store.withLock(`base-${digest}`, async () => {
    if (await pathExists(path.join(repository, "repodata/repomd.xml"))) return base;
    await makeRepository(store, base, definition, logger);
    return base;
  });
}

function checkLock(name: string, file: BaseFile, lock: BaseLock): void {
  const { packages, tools, compilerCache, linter, compressor, locales } = lock;
  const lists: readonly (readonly [readonly string[], readonly LockedPackage[]])[] = [
    [[...file.essential, ...file.build, ...file.packages], packages],
    [file.tools, tools],
    [file.compilerCache, compilerCache],
    [file.linter, linter],
    [file.compressor, compressor],
    [file.locales, locales],
    [Object.keys(file.fixups), packages],
  ];
  const missing = lists.flatMap(([wanted, locked]) => {
    const names = new Set(locked.map((entry) => entry.name));
    return wanted.filter((entry) => !names.has(entry));
  });
  if (missing.length === 0) return;
  throw new CleanroomError(
    "base-lock-stale",
    `base.yaml names packages that base.lock.yaml does not hold: ${missing.join(", ")}`,
    { place: { step: `base ${name}` }, hint: `./cleanroom base lock ${name}`, exitCode: 2 },
  );
}

async function makeRepository(
  store: Store,
  base: Base,
  { file, lock, profiles }: BaseDefinition,
  logger: Logger,
): Promise<void> {
  const { tools } = base;
  const jobs = availableParallelism();
  logger.info(`reading ${lock.packages.length} base packages`);
  const read = await mapConcurrent(lock.packages, jobs, (deb) => readDeb(store, tools, deb));
  const sonamesByPackage = new Map(
    read.map(({ control, shlibs }) => [
      parseControl(control).get("package") ?? "",
      sonamesOf(shlibs),
    ]),
  );
  logger.info(`converting ${lock.packages.length} base packages to RPMs`);
  const isExcluded = nameMatcher(file.exclude);
  const startedMs = performance.now();
  let finished = 0;
  const rpms = await mapConcurrent(lock.packages, jobs, async (deb, index) => {
    const contents = read[index];
    if (contents === undefined) throw new Error(`${deb.name} was not read`);
    const fixup = file.fixups[deb.name] ?? {};
    const written = specOf({ contents, fixup, isExcluded, sonamesByPackage });
    const { text, report } = strippedSpec(written, deb.name, profiles, file.arch);
    for (const line of describeUnmatched(report.unmatched)) logger.warning(line);
    const rpm = await buildImportedRpm(store, tools, deb, text, contents.entries, file.arch);
    finished += 1;
    if (finished % 50 === 0 && finished < lock.packages.length) {
      const eachMs = (performance.now() - startedMs) / finished;
      const left = describeDuration(eachMs * (lock.packages.length - finished));
      logger.info(`  ${finished} of ${lock.packages.length}; about ${left} left`);
    }
    return rpm;
  });
  await store.withTemporaryFolder("base", async (folder) => {
    const packages = path.join(folder, "Packages");
    await mkdir(packages);
    for (const { sha256, fileName } of rpms) {
      await store.materialize(sha256, path.join(packages, fileName));
    }
    await runInSandbox(
      {
        root: tools.root,
        mounts: [{ source: folder, target: "/repository", writable: true }],
      },
      [
        ...["createrepo_c", "--quiet", "--no-database", "--revision", base.digest],
        ...["--general-compress-type=zstd", "/repository"],
      ],
      { step: "createrepo_c" },
    );
    await adoptFolder(folder, base.repository);
    // withTemporaryFolder removes the folder it made; the rename took it away.
    await mkdir(folder, { recursive: true });
  });
  logger.info(`base ${base.name}: ${rpms.length} packages in the repository`);
}

function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined;
  return () => (made ??= make());
}
