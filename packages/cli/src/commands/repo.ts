import { currentGeneration, listGenerations, rollback, serve } from "@cleanroom/repo-publisher";
import { CleanroomError } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { buildAndPublish } from "../publish-stack.ts";
import { type GlobalOptions, Session } from "../session.ts";

async function publishAll(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const { generation } = await buildAndPublish(session, await session.packageNames([]));
  session.print(
    { id: generation.id, folder: generation.folder, packages: generation.packages },
    `generation ${generation.id}: ${generation.packages.length} packages in ${generation.folder}`,
  );
}

interface ServeOptions extends GlobalOptions {
  readonly port: number;
  readonly bind: string;
}

async function serveCurrent(options: ServeOptions): Promise<void> {
  const session = new Session(options);
  const store = await session.store();
  if ((await currentGeneration(store)) === undefined) {
    throw new CleanroomError("nothing-published", "no generation has been published yet", {
      exitCode: 2,
      hint: "./cleanroom repo publish",
    });
  }
  const server = await serve({
    store,
    logger: session.logger,
    port: options.port,
    host: options.bind,
  });
  session.print({ url: server.url }, `${server.url}\n${server.url}/cleanroom.repo`);
  await server.ended;
}

async function list(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const store = await session.store();
  const current = await currentGeneration(store);
  const generations = await listGenerations(store);
  session.print(
    generations.map(({ id, packages }) => ({
      id,
      packages: packages.length,
      current: id === current?.id,
    })),
    generations
      .map(
        ({ id, packages }) => `${id === current?.id ? "*" : " "} ${id} ${packages.length} packages`,
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
      .command<GlobalOptions>(
        "publish",
        "Build what changed and publish all packages as a new generation",
        (inner) => inner as never,
        publishAll,
      )
      .command<ServeOptions>(
        "serve",
        "Serve the current generation over HTTP until interrupted",
        (inner) =>
          inner
            .option("port", { type: "number", default: 9999, describe: "0 takes a free one" })
            .option("bind", { type: "string", default: "127.0.0.1" }) as never,
        serveCurrent,
      )
      .command<GlobalOptions>("list", "Published generations", (inner) => inner as never, list)
      .command<GlobalOptions & { readonly id?: string }>(
        "rollback [id]",
        "Make an older generation current",
        (inner) => inner.positional("id", { type: "string" }) as never,
        rollBack,
      )
      .demandCommand(1, "repo what? publish, serve, list or rollback") as never,
  handler: () => undefined,
};
