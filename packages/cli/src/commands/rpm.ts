import { buildPackages, type BuildResult, openBuildRoot } from "@cleanroom/rpm-runner";
import { formatBuildId } from "@cleanroom/spec-strip";
import { run, sandboxArguments } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";

type Options = GlobalOptions & {
  readonly packages?: readonly string[];
  readonly stage?: "bootstrap" | undefined;
};

async function build(options: Options): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(options.packages ?? []);
  const results = await buildPackages(await session.runnerContext(), names, options.stage);
  session.print(results, results.map(describe).join("\n"));
}

function describe(result: BuildResult): string {
  const { name, stage, how, rpms, buildMs } = result;
  const seconds = (buildMs / 1000).toFixed(1);
  const folder = stage === undefined ? "dist/rpms" : `dist/stages/${stage}`;
  return how === "built"
    ? `${formatBuildId(result)}: built in ${seconds} s, ${rpms.length} RPMs in ${folder}/${name}`
    : `${formatBuildId(result)}: nothing to do, its last build of ${seconds} s still holds`;
}

async function shell(options: Options & { readonly name: string }): Promise<void> {
  const session = new Session(options);
  const [name = options.name] = await session.packageNames([options.name]);
  const context = await session.runnerContext();
  await openBuildRoot(context, name, async (sandbox, command) => {
    session.logger.info(`the build is: ${command.join(" ")}`);
    await run("bwrap", [...(await sandboxArguments(sandbox)), "bash", "--norc", "-i"], {
      interactive: true,
      step: `${name}: shell`,
      accept: Array.from({ length: 256 }, (_, code) => code),
    });
  });
}

export const rpmCommand: CommandModule<object, Options> = {
  command: "rpm",
  describe: "Build packages from specs",
  builder: (parser) =>
    parser
      .command<Options>(
        "build [packages..]",
        "Build packages, and what they need, where something changed; all without names",
        (inner) =>
          inner.positional("packages", { type: "string", array: true }).option("stage", {
            choices: ["bootstrap"] as const,
            describe: "Build the named packages only as far as this stage",
          }) as never,
        build,
      )
      .command<Options & { readonly name: string }>(
        "shell <name>",
        "A shell in a package's build root, sources in place",
        (inner) => inner.positional("name", { type: "string", demandOption: true }) as never,
        shell,
      )
      .demandCommand(1, "rpm what? build or shell") as never,
  handler: () => undefined,
};
