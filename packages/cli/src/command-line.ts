import { CleanroomError, formatError, messageOf } from "@cleanroom/core";
import yargs, { type Argv } from "yargs";
import { baseCommand } from "./commands/base.ts";
import { cacheCommand } from "./commands/cache.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { imageCommand } from "./commands/image.ts";
import { repoCommand } from "./commands/repo.ts";
import { rpmCommand } from "./commands/rpm.ts";
import { runningImageCommands } from "./commands/running-image.ts";
import { sourcesCommand } from "./commands/sources.ts";
import { specCommand } from "./commands/spec.ts";
import { testCommand } from "./commands/test.ts";
import { upCommand } from "./commands/up.ts";

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
    })
    .option("log-format", {
      choices: ["human", "ndjson"] as const,
      default: "human",
      describe: "How progress and warnings are written to standard error",
      global: true,
    })
    .option("quiet", {
      type: "boolean",
      default: false,
      describe: "Only warnings and errors on standard error",
      global: true,
    })
    .option("store", {
      type: "string",
      describe: "The store's folder (CLEANROOM_STORE)",
      global: true,
    })
    .option("base", {
      type: "string",
      default: "debian-trixie",
      describe: "The base to build on: a folder of specs/base",
      global: true,
    });
}

/**
 * Runs one command line.
 *
 * @returns the exit code (design: 0, 1, 2, 70)
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const parser = globalOptions(yargs([...argv]))
    .scriptName("./cleanroom")
    .usage("$0 <command>\n\nClean container images from RPM specs.")
    .command(upCommand)
    .command(runningImageCommands.down)
    .command(runningImageCommands.logs)
    .command(runningImageCommands.status)
    .command(testCommand)
    .command(specCommand)
    .command(sourcesCommand)
    .command(baseCommand)
    .command(rpmCommand)
    .command(repoCommand)
    .command(imageCommand)
    .command(cacheCommand)
    .command(doctorCommand)
    .command("nx [args..]", "Nx, with the right Node.js: nx run-many -t rpm, nx affected -t rpm")
    .demandCommand(1, "which command? `./cleanroom --help` lists them")
    .recommendCommands()
    .strict()
    .epilogue(exitCodes)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail(false);
  try {
    await parser.parseAsync();
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CleanroomError) {
    process.stderr.write(`error: ${formatError(error)}\n`);
    return error.exitCode;
  }
  // yargs throws its own errors for usage, by name only.
  if (error instanceof Error && error.name === "YError") {
    process.stderr.write(`error: ${error.message}\n  next: ./cleanroom --help\n`);
    return 2;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`error: this is a bug in Cleanroom, please report it\n${stack}\n`);
  return 70;
}
