import { readdir } from "node:fs/promises";
import path from "node:path";
import {
  type Base,
  type BaseLock,
  importBase,
  PrivateApt,
  readBaseLock,
} from "@cleanroom/base-import";
import {
  availableMemoryBytes,
  type BaseFile,
  baseFileSchema,
  CleanroomError,
  createLogger,
  defaultStoreFolder,
  isMissingFile,
  type LogFormat,
  type Logger,
  openRemoteStore,
  pathExists,
  readYamlFile,
  remoteFileSchema,
  type RemoteSettings,
  remoteSettings,
  Store,
} from "@cleanroom/core";
import type { Repository } from "@cleanroom/rootfs";
import {
  type AtFailure,
  type BuildLimits,
  BuildProgress,
  type DebianSources,
  type RunnerContext,
} from "@cleanroom/rpm-runner";
import {
  describeUnmatched,
  readProfiles,
  readStack,
  type Rule,
  type Stack,
} from "@cleanroom/spec-strip";
import { terminalView } from "./progress-view.ts";

/** The workspace that this program is part of. */
export const workspace = path.resolve(import.meta.dirname, "../../..");

/** Where built packages go. */
export const outputFolder = path.join(workspace, "dist/rpms");

/** Where source packages are put, each in a folder of its package's name. */
export const sourceFolder = path.join(workspace, "dist/srpms");

/** The options that every command has. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly logFormat: string;
  readonly quiet: boolean;
  readonly store?: string | undefined;
  /** A URL, or `off`. */
  readonly remote?: string | undefined;
  readonly base: string;
}

/**
 * What one command line works with. Things are opened when they are first asked for, so that
 * `spec query` needs no store and `cache show` no base.
 */
export class Session {
  readonly options: GlobalOptions;
  readonly logger: Logger;
  readonly #pushesKnown: boolean;
  #store: Promise<Store> | undefined;
  #stack: Promise<Stack> | undefined;
  #baseFile: Promise<BaseFile> | undefined;
  #base: Promise<Base> | undefined;
  #apt: Promise<PrivateApt> | undefined;

  /** @param more.pushesKnown results that the store has already go to the remote store too */
  constructor(
    options: GlobalOptions,
    { pushesKnown = false }: { readonly pushesKnown?: boolean } = {},
  ) {
    this.options = options;
    this.#pushesKnown = pushesKnown;
    this.logger = createLogger({
      format: options.logFormat as LogFormat,
      quiet: options.quiet,
      write: (text) => terminalView.write(text),
    });
  }

  /** Writes a command's result: one JSON document, or the text for people. */
  print(value: unknown, text: string): void {
    if (this.options.json) process.stdout.write(`${JSON.stringify(value)}\n`);
    else if (text !== "") process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  store(): Promise<Store> {
    return (this.#store ??= (async () => {
      const settings = await this.remoteSettings();
      const { logger } = this;
      const pushing = { pushesKnown: this.#pushesKnown };
      return Store.open(
        this.options.store ?? defaultStoreFolder(process.env),
        logger,
        settings && ((folder) => openRemoteStore(settings, folder, logger, pushing)),
      );
    })());
  }

  /** The remote store to use, if any. */
  async remoteSettings(): Promise<RemoteSettings | undefined> {
    const file = path.join(workspace, "specs/remote.yaml");
    const named = (await pathExists(file))
      ? await readYamlFile(file, remoteFileSchema, "specs/remote.yaml")
      : undefined;
    return remoteSettings(named, process.env, this.options.remote);
  }

  /** The base's folder, relative to the workspace. */
  baseFolder(name = this.options.base): string {
    return path.join("specs/base", name);
  }

  baseFile(): Promise<BaseFile> {
    return (this.#baseFile ??= (async () => {
      const name = this.options.base;
      const known = await this.names("base");
      if (!known.includes(name)) throw unknownName("base", name, known);
      const file = path.join(this.baseFolder(name), "base.yaml");
      return readYamlFile(path.join(workspace, file), baseFileSchema, file);
    })());
  }

  baseLockFile(name = this.options.base): string {
    return path.join(this.baseFolder(name), "base.lock.yaml");
  }

  /** The base, imported. */
  base(): Promise<Base> {
    return (this.#base ??= (async () => {
      const name = this.options.base;
      const file = await this.baseFile();
      const lock = await this.#baseLock();
      const store = await this.store();
      const profiles = await readProfiles(workspace, file.profiles);
      return importBase(store, { name, file, lock, profiles }, this.logger);
    })());
  }

  /** apt with a state of its own, whose lists are read when they are not there yet. */
  apt(): Promise<PrivateApt> {
    return (this.#apt ??= (async () => {
      const apt = await PrivateApt.open(
        await this.store(),
        this.options.base,
        await this.baseFile(),
      );
      await apt.ensureLists(this.logger);
      return apt;
    })());
  }

  /** The specs of the workspace, evaluated. */
  stack(): Promise<Stack> {
    return (this.#stack ??= (async () => {
      const { macros, arch } = await this.baseFile();
      const stack = await readStack(workspace, { macros, arch });
      for (const line of describeUnmatched(await this.#idleRules(stack))) {
        this.logger.warning(`${line} in any spec`);
      }
      return stack;
    })());
  }

  /** Rules that found nothing; those for packages of the base are its import's to judge. */
  async #idleRules({ packages, unmatchedRules }: Stack): Promise<readonly Rule[]> {
    const isForeign = ({ package: name }: Rule): boolean =>
      name !== undefined && !packages.has(name);
    if (!unmatchedRules.some(isForeign)) return unmatchedRules;
    const base = new Set((await this.#baseLock()).packages.map(({ name }) => name));
    return unmatchedRules.filter((rule) => !isForeign(rule) || !base.has(rule.package ?? ""));
  }

  async #baseLock(): Promise<BaseLock> {
    const lockFile = this.baseLockFile();
    return readBaseLock(path.join(workspace, lockFile), lockFile);
  }

  /** Names of what the workspace holds of a kind, sorted. */
  async names(kind: "rpm" | "base" | "image"): Promise<string[]> {
    try {
      const entries = await readdir(path.join(workspace, "specs", kind), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .toSorted();
    } catch (error) {
      if (isMissingFile(error)) return [];
      throw error;
    }
  }

  /** Checks names of packages that a user gave; all packages when there are none. */
  async packageNames(given: readonly string[]): Promise<string[]> {
    const { packages, order } = await this.stack();
    for (const name of given) {
      if (!packages.has(name)) throw unknownName("package", name, [...packages.keys()].toSorted());
    }
    return given.length === 0 ? [...order] : [...given];
  }

  /** @param limits by default two builds at once, so that one configures while one compiles */
  async runnerContext(
    limits: Partial<BuildLimits> = {},
    {
      compilerCache = true,
      cutoff = "content",
      atFailure,
    }: {
      readonly compilerCache?: boolean;
      readonly cutoff?: RunnerContext["cutoff"];
      readonly atFailure?: AtFailure | undefined;
    } = {},
  ): Promise<RunnerContext> {
    const base = await this.base();
    const { macros, arch, essential, build } = base.file;
    const progress = new BuildProgress();
    // Nothing is drawn over what happens in a shell.
    const isFree = atFailure === undefined && !this.options.quiet;
    const isDrawn = this.options.logFormat === "human" && isFree;
    terminalView.show(progress, this.logger, isDrawn);
    return {
      store: await this.store(),
      tools: base.tools,
      stack: await this.stack(),
      base: baseRepository(base),
      buildRootPackages: [...essential, ...build],
      macros,
      arch,
      outputFolder,
      stageFolder: path.join(workspace, "dist/stages"),
      debian: this.debianSources(),
      compilerCache: compilerCache ? base.compilerCache : undefined,
      cutoff,
      limits: { ...defaultLimits(), ...limits },
      progress,
      atFailure,
      logger: this.logger,
    };
  }

  /** Debian's archive as a place for sources. */
  debianSources(): DebianSources {
    return {
      files: async (source, version) => (await this.apt()).sourceFiles(source, version),
      fetch: async ({ uri, sha256 }, target) => {
        await (await this.apt()).fetch([{ uri, sha256, target }]);
      },
    };
  }
}

/** Four fifths of the memory that is free now are for builds. */
function defaultLimits(): BuildLimits {
  const memoryBytes = availableMemoryBytes() * 0.8;
  return { builds: 2, jobs: undefined, memoryBytes, keepGoing: false };
}

export function baseRepository(base: Base): Repository {
  return {
    id: base.name,
    location: { folder: base.repository },
    priority: 99,
    digest: base.digest,
    isDerived: true,
  };
}

export function unknownName(kind: string, name: string, known: readonly string[]): CleanroomError {
  return new CleanroomError("unknown-name", `there is no ${kind} ${name}`, {
    exitCode: 2,
    hint: known.length === 0 ? undefined : `one of: ${known.join(", ")}`,
  });
}
