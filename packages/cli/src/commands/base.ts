import path from "node:path";
import { lockBase, PrivateApt, writeBaseLock } from "@cleanroom/base-import";
import { readProfiles } from "@cleanroom/spec-strip";
import type { CommandModule } from "yargs";
import { type GlobalOptions, Session, workspace } from "../session.ts";

type Options = GlobalOptions & { readonly name?: string | undefined };

const withName = (options: Options): Session =>
  new Session({ ...options, base: options.name ?? options.base });

async function writeLock(options: Options): Promise<void> {
  const session = withName(options);
  const file = await session.baseFile();
  const apt = await PrivateApt.open(await session.store(), session.options.base, file);
  await apt.update(session.logger);
  const lock = await lockBase(apt, file, await readProfiles(workspace, file.profiles));
  const { packages, tools } = lock;
  const lockFile = session.baseLockFile();
  await writeBaseLock(path.join(workspace, lockFile), lock);
  session.print(
    { file: lockFile, packages: packages.length, tools: tools.length },
    `${lockFile}: ${packages.length} packages, ${tools.length} for the tools`,
  );
}

async function importOne(options: Options): Promise<void> {
  const session = withName(options);
  const base = await session.base();
  session.print(
    { name: base.name, digest: base.digest, repository: base.repository },
    `base ${base.name} is imported: ${base.repository}`,
  );
}

async function show(options: Options): Promise<void> {
  const session = withName(options);
  const file = await session.baseFile();
  session.print(
    file,
    [
      `${session.options.base}: ${file.description ?? file.kind}`,
      `  suites: ${file.suites.map(({ name }) => name).join(", ")}`,
      `  build root: ${file.build.length + file.essential.length} packages named`,
      `  further packages: ${file.packages.length} named`,
    ].join("\n"),
  );
}

export const baseCommand: CommandModule<object, Options> = {
  command: "base",
  describe: "The base: the packages that the specs do not build",
  builder: (parser) =>
    parser
      .command<Options>(
        "lock [name]",
        "Resolve base.yaml with apt and write base.lock.yaml",
        (inner) => inner.positional("name", { type: "string" }) as never,
        writeLock,
      )
      .command<Options>(
        "import [name]",
        "Fetch the locked packages and make the RPM repository",
        (inner) => inner.positional("name", { type: "string" }) as never,
        importOne,
      )
      .command<Options>(
        "show [name]",
        "What base.yaml says",
        (inner) => inner.positional("name", { type: "string" }) as never,
        show,
      )
      .demandCommand(1, "base what? lock, import or show") as never,
  handler: () => undefined,
};
