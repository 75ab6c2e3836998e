import { fetchSources, lockSources, verifySources, writeSourcesLock } from "@cleanroom/rpm-runner";
import { CleanroomError } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";

type Options = GlobalOptions & {
  readonly packages?: readonly string[];
  readonly deb?: string | undefined;
};

async function lock(options: Options): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(options.packages ?? []);
  if (options.deb !== undefined && names.length !== 1) {
    throw new CleanroomError("usage", "--deb goes with one package", { exitCode: 2 });
  }
  const { packages } = await session.stack();
  const done: string[] = [];
  for (const name of names) {
    const entry = packages.get(name);
    if (entry === undefined) continue;
    const sources = await lockSources(
      await session.store(),
      entry,
      session.debianSources(),
      options.deb ?? name,
      session.logger,
    );
    await writeSourcesLock(entry.folder, sources);
    done.push(`${entry.displayFolder}/sources.lock.yaml: ${sources.length} sources`);
  }
  session.print({ packages: names }, done.join("\n"));
}

async function fetch(options: Options): Promise<void> {
  const session = new Session(options);
  const { packages } = await session.stack();
  let fetched = 0;
  for (const name of await session.packageNames(options.packages ?? [])) {
    const entry = packages.get(name);
    if (entry === undefined) continue;
    fetched += await fetchSources(
      await session.store(),
      entry,
      session.debianSources(),
      session.logger,
    );
  }
  session.print({ fetched }, `${fetched} sources fetched; all others were in the store`);
}

async function verify(options: Options): Promise<void> {
  const session = new Session(options);
  const { packages } = await session.stack();
  const results: { package: string; file: string; state: string }[] = [];
  for (const name of await session.packageNames(options.packages ?? [])) {
    const entry = packages.get(name);
    if (entry === undefined) continue;
    for (const { file, state } of await verifySources(await session.store(), entry)) {
      results.push({ package: name, file, state });
    }
  }
  session.print(
    results,
    results.map((result) => `${result.package}: ${result.file}: ${result.state}`).join("\n"),
  );
  if (results.some(({ state }) => state !== "good")) process.exitCode = 1;
}

export const sourcesCommand: CommandModule<object, Options> = {
  command: "sources",
  describe: "Source archives, always by SHA-256",
  builder: (parser) =>
    parser
      .command<Options>(
        "lock [packages..]",
        "Find out where sources are and write sources.lock.yaml",
        (inner) =>
          inner.positional("packages", { type: "string", array: true }).option("deb", {
            type: "string",
            describe: "Debian source package that has the archive; the spec's name when absent",
          }) as never,
        lock,
      )
      .command<Options>(
        "fetch [packages..]",
        "Bring locked sources into the store",
        (inner) => inner.positional("packages", { type: "string", array: true }) as never,
        fetch,
      )
      .command<Options>(
        "verify [packages..]",
        "Check the store's sources against the locks",
        (inner) => inner.positional("packages", { type: "string", array: true }) as never,
        verify,
      )
      .demandCommand(1, "sources what? lock, fetch or verify") as never,
  handler: () => undefined,
};
