import { CleanroomError, formatError, machineFailure, messageOf } from "@cleanroom/core";
import yargs, { type Argv, type CommandModule } from "yargs";

// Each command has options of its own, and yargs tells their types apart by name only.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyCommand = CommandModule<object, any>;

/**
 * The modules of commands, by the first word of a command line. Only what a command line names is
 * loaded: `spec query` has no need of the composer.
 */
const modules: Readonly<Record<string, () => Promise<readonly AnyCommand[]>>> = {
  up: async () => [(await import("./commands/up.ts")).upCommand],
  down: async () => [(await import("./commands/running-image.ts")).runningImageCommands.down],
  logs: async () => [(await import("./commands/running-image.ts")).runningImageCommands.logs],
  status: async () => [(await import("./commands/running-image.ts")).runningImageCommands.status],
  test: async () => [(await import("./commands/test.ts")).testCommand],
  spec: async () => [(await import("./commands/spec.ts")).specCommand],
  sources: async () => [(await import("./commands/sources.ts")).sourcesCommand],
  base: async () => [(await import("./commands/base.ts")).baseCommand],
  rpm: async () => [(await import("./commands/rpm.ts")).rpmCommand],
  repo: async () => [(await import("./commands/repo.ts")).repoCommand],
  image: async () => [(await import("./commands/image.ts")).imageCommand],
  cache: async () => [(await import("./commands/cache.ts")).cacheCommand],
  doctor: async () => [(await import("./commands/doctor.ts")).doctorCommand],
};

async function commandsFor(word: string | undefined): Promise<AnyCommand[]> {
  const named = word === undefined ? undefined : modules[word];
  const loaders = named === undefined ? Object.values(modules) : [named];
  return (await Promise.all(loaders.map((load) => load()))).flat();
}

const usage = { exitCode: 2, hint: "./cleanroom --help, or --help after a command" } as const;

const exitCodes = `Exit codes: 0 done, 1 the work failed, 2 usage or configuration, 70 a bug in
Cleanroom, 130 interrupted.`;

/** Options of every command. */
function globalOptions(parser: Argv): Argv {
  return parser
    .option("json", {
      type: "boolean",
      default: false,
      describe: "One JSON document on standard output",
      global: true,
      group: "Global options:",
    })
    .option("log-format", {
      choices: ["human", "ndjson"] as const,
      default: "human",
      describe: "How progress and warnings are written to standard error",
      global: true,
      group: "Global options:",
    })
    .option("quiet", {
      type: "boolean",
      default: false,
      describe: "Only warnings and errors on standard error",
      global: true,
      group: "Global options:",
    })
    .option("store", {
      type: "string",
      describe: "The store's folder (CLEANROOM_STORE)",
      global: true,
      group: "Global options:",
    })
    .option("remote", {
      type: "string",
      describe: "The URL of a store that machines share, or off (CLEANROOM_REMOTE)",
      global: true,
      group: "Global options:",
    })
    .option("base", {
      type: "string",
      default: "debian-trixie",
      describe: "The base to build on: a folder of specs/base",
      global: true,
      group: "Global options:",
    });
}

/**
 * What understands a command line, with the commands that its first word names.
 *
 * @throws CleanroomError `usage` when it is parsed
 */
export async function commandParser(argv: readonly string[]): Promise<Argv> {
  return globalOptions(yargs([...argv]))
    .scriptName("./cleanroom")
    .usage("$0 <command>\n\nClean container images from RPM specs.")
    .command(await commandsFor(argv[0]))
    .command("nx [args..]", "Nx, with the right Node.js: nx run-many -t rpm, nx affected -t rpm")
    .demandCommand(1, "which command?")
    .recommendCommands()
    .strict()
    .epilogue(exitCodes)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      throw error ?? new CleanroomError("usage", message ?? "unusable command line", usage);
    });
}

/**
 * Runs one command line.
 *
 * @returns the exit code (design: 0, 1, 2, 70)
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  try {
    const parser = await commandParser(argv);
    await parser.parseAsync();
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    return report(error);
  }
}

function report(thrown: unknown): number {
  const error = thrown instanceof CleanroomError ? thrown : (machineFailure(thrown) ?? thrown);
  if (error instanceof CleanroomError) {
    // Who interrupted has been told already.
    if (error.exitCode === 130) return 130;
    process.stderr.write(`error: ${formatError(error)}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`error: this is a bug in Cleanroom, please report it\n${stack}\n`);
  return 70;
}
