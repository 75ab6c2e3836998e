import {
  currentGeneration,
  diffGenerations,
  exportGeneration,
  type Generation,
  listGenerations,
  prune,
  rollback,
  serve,
  verifyRepository,
} from "@cleanroom/repo-publisher";
import { CleanroomError, type Store } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { buildAndPublish } from "../publish-stack.ts";
import { forbiddenBySource, readRepositorySettings, readTextFile } from "../repository-settings.ts";
import { repoKeyCommand } from "./repo-key.ts";
import { type GlobalOptions, Session, unknownName } from "../session.ts";

interface PublishOptions extends GlobalOptions {
  readonly to?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly endpoint?: string | undefined;
}

async function publishAll(options: PublishOptions): Promise<void> {
  const session = new Session(options);
  const { generation } = await buildAndPublish(session, await session.packageNames([]));
  if (options.to !== undefined) {
    const { target, written, kept } = await exportGeneration({
      generation,
      to: options.to,
      logger: session.logger,
      ...(options.baseUrl === undefined ? {} : { baseUrl: options.baseUrl }),
      ...(options.endpoint === undefined ? {} : { s3: { endpoint: options.endpoint } }),
    });
    session.logger.info(`${target}: ${written} files written, ${kept} were there`);
  }
  const { retention } = await readRepositorySettings();
  const removed = await prune(await session.store(), undefined, retention);
  if (removed.length > 0) session.logger.info(`${removed.length} old generations removed`);
  session.print(
    { id: generation.id, folder: generation.folder, packages: generation.packages },
    `generation ${generation.id}: ${generation.packageCount} packages in ${generation.folder}`,
  );
}

interface ServeOptions extends GlobalOptions {
  readonly port: number;
  readonly bind: string;
  readonly tls?: readonly string[] | undefined;
}

async function serveCurrent(options: ServeOptions): Promise<void> {
  const session = new Session(options);
  const store = await session.store();
  await publishedGeneration(store);
  const server = await serve({
    store,
    logger: session.logger,
    port: options.port,
    host: options.bind,
    ...(await tlsOptions(options.tls)),
  });
  session.print({ url: server.url }, `${server.url}\n${server.url}/cleanroom.repo`);
  await server.ended;
}

async function tlsOptions(
  files: readonly string[] | undefined,
): Promise<{ tls?: { certificate: string; key: string } }> {
  const [certificate, key] = files ?? [];
  if (certificate === undefined || key === undefined) return {};
  return { tls: { certificate: await readTextFile(certificate), key: await readTextFile(key) } };
}

interface VerifyOptions extends GlobalOptions {
  readonly target?: string;
  readonly key?: string | undefined;
}

async function verify(options: VerifyOptions): Promise<void> {
  const session = new Session(options);
  const { tools, repository } = await session.base();
  const store = await session.store();
  const target = options.target ?? (await publishedGeneration(store)).folder;
  const result = await verifyRepository({
    store,
    tools,
    logger: session.logger,
    target,
    ...(options.key === undefined ? {} : { publicKeys: await readTextFile(options.key) }),
    checks: { bases: [repository], forbidIn: forbiddenBySource(await session.stack()) },
  });
  session.print(
    result,
    [
      `${result.target}: ${result.packages} packages, ${result.problems.length} problems`,
      ...result.problems.map(({ code, subject, message }) => `  ${code}: ${subject}: ${message}`),
    ].join("\n"),
  );
  if (result.problems.length > 0) process.exitCode = 1;
}

interface DiffOptions extends GlobalOptions {
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

async function diff(options: DiffOptions): Promise<void> {
  const session = new Session(options);
  const generations = await listGenerations(await session.store());
  const named = (id: string | undefined, index: number): Generation => {
    const found = id === undefined ? generations[index] : generations.find((one) => one.id === id);
    if (found !== undefined) return found;
    throw unknownName(
      "generation",
      id ?? "before the current one",
      generations.map((one) => one.id),
    );
  };
  const changes = diffGenerations(named(options.before, 1), named(options.after, 0));
  session.print(
    changes,
    changes
      .map(
        ({ kind, name, from, to }) => `${kind} ${name}: ${[from, to].filter(Boolean).join(" -> ")}`,
      )
      .join("\n"),
  );
}

interface PruneOptions extends GlobalOptions {
  readonly generations?: number | undefined;
  readonly days?: number | undefined;
}

async function removeOld(options: PruneOptions): Promise<void> {
  const session = new Session(options);
  const { retention } = await readRepositorySettings();
  const { generations = retention.generations, days } = options;
  const ageMs = days === undefined ? retention.ageMs : days * 24 * 3600 * 1000;
  const removed = await prune(await session.store(), undefined, { generations, ageMs });
  session.print(
    removed.map(({ id }) => ({ id })),
    `${removed.length} old generations removed`,
  );
}

async function publishedGeneration(store: Store): Promise<Generation> {
  const generation = await currentGeneration(store);
  if (generation !== undefined) return generation;
  throw new CleanroomError("nothing-published", "no generation has been published yet", {
    exitCode: 2,
    hint: "./cleanroom repo publish",
  });
}

async function list(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const store = await session.store();
  const current = await currentGeneration(store);
  const generations = await listGenerations(store);
  session.print(
    generations.map(({ id, packageCount, publishedAt }) => ({
      id,
      packages: packageCount,
      publishedAt: publishedAt.toISOString(),
      current: id === current?.id,
    })),
    generations
      .map(
        ({ id, packageCount, publishedAt }) =>
          `${id === current?.id ? "*" : " "} ${id} ${publishedAt.toISOString()} ${packageCount} packages`,
      )
      .join("\n"),
  );
}

async function rollBack(
  options: GlobalOptions & { readonly id?: string | undefined },
): Promise<void> {
  const session = new Session(options);
  const generation = await rollback(await session.store(), undefined, options.id);
  session.print({ id: generation.id }, `generation ${generation.id} is current`);
}

export const repoCommand: CommandModule<object, GlobalOptions> = {
  command: "repo",
  describe: "The signed yum repository",
  builder: (parser) =>
    parser
      .command<PublishOptions>(
        "publish",
        "Build what changed and publish all packages as a new generation",
        (inner) =>
          inner
            .option("to", { type: "string", describe: "Copy it to a folder or s3://BUCKET/PREFIX" })
            .option("base-url", {
              type: "string",
              describe: "Where clients will find that copy, for its .repo file",
            })
            .option("endpoint", {
              type: "string",
              describe: "URL of an S3-compatible service other than Amazon's",
            }) as never,
        publishAll,
      )
      .command<ServeOptions>(
        "serve",
        "Serve the current generation over HTTP until interrupted",
        (inner) =>
          inner
            .option("port", { type: "number", default: 9999, describe: "0 takes a free one" })
            .option("bind", { type: "string", default: "127.0.0.1" })
            .option("tls", {
              type: "string",
              array: true,
              nargs: 2,
              describe: "Serve HTTPS with CERTIFICATE and KEY, both files in PEM",
            }) as never,
        serveCurrent,
      )
      .command<VerifyOptions>(
        "verify [target]",
        "Check a repository, by folder or URL, as its clients would; the current one without",
        (inner) =>
          inner.positional("target", { type: "string" }).option("key", {
            type: "string",
            describe: "File with the public keys to trust; else those that it offers itself",
          }) as never,
        verify,
      )
      .command<DiffOptions>(
        "diff [before] [after]",
        "What changed between two generations; the last two without names",
        (inner) =>
          inner
            .positional("before", { type: "string" })
            .positional("after", { type: "string" }) as never,
        diff,
      )
      .command<PruneOptions>(
        "prune",
        "Remove generations that are neither among the last nor recent, as repo publish does",
        (inner) =>
          inner
            .option("generations", { type: "number", describe: "Keep so many of the last" })
            .option("days", { type: "number", describe: "Keep those of the last days" }) as never,
        removeOld,
      )
      .command(repoKeyCommand)
      .command<GlobalOptions>("list", "Published generations", (inner) => inner as never, list)
      .command<GlobalOptions & { readonly id?: string }>(
        "rollback [id]",
        "Make an older generation current",
        (inner) => inner.positional("id", { type: "string" }) as never,
        rollBack,
      )
      .demandCommand(
        1,
        "repo what? publish, serve, verify, list, diff, rollback, prune or key",
      ) as never,
  handler: () => undefined,
};
