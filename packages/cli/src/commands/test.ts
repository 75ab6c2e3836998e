import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CleanroomError, run } from "@cleanroom/core";
import type { CommandModule } from "yargs";
import { type GlobalOptions, workspace } from "../session.ts";

interface Options extends GlobalOptions {
  readonly unit?: boolean | undefined;
  readonly stack?: boolean | undefined;
  readonly desktop?: boolean | undefined;
  readonly files: readonly string[];
}

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The parts of `npm run check`, each of which counts as one test. */
const checks = ["check:types", "check:lint", "check:format", "check:unused"] as const;

async function runChecks(): Promise<Count> {
  let failed = 0;
  for (const check of checks) {
    const { exitCode } = await run("npm", ["run", "--silent", check], {
      cwd: workspace,
      interactive: true,
      accept: Array.from({ length: 256 }, (_, code) => code),
    });
    process.stderr.write(`${exitCode === 0 ? "ok  " : "FAIL"} npm run ${check}\n`);
    if (exitCode !== 0) failed += 1;
  }
  return { passed: checks.length - failed, failed, skipped: 0 };
}

async function runVitest(
  projects: readonly string[],
  files: readonly string[] = [],
): Promise<Count> {
  const folder = await mkdtemp(path.join(tmpdir(), "cleanroom-test-"));
  const report = path.join(folder, "report.json");
  try {
    await run(
      path.join(workspace, "node_modules/.bin/vitest"),
      [
        "run",
        ...files,
        ...projects.flatMap((project) => ["--project", project]),
        ...["--reporter", "default", "--reporter", "json", "--outputFile", report],
      ],
      {
        cwd: workspace,
        interactive: true,
        accept: Array.from({ length: 256 }, (_, code) => code),
        step: "vitest",
      },
    );
    const counted = JSON.parse(await readFile(report, "utf8")) as {
      numPassedTests: number;
      numFailedTests: number;
      numPendingTests: number;
      success: boolean;
    };
    // A file that cannot even be loaded has no failed test, and still is a failure.
    const failed = Math.max(counted.numFailedTests, counted.success ? 0 : 1);
    return { passed: counted.numPassedTests, failed, skipped: counted.numPendingTests };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function test(options: Options): Promise<void> {
  const counts =
    options.stack === true
      ? [await runVitest(["stack"])]
      : options.desktop === true
        ? [await runVitest(["desktop"], options.files)]
        : [
            await runChecks(),
            await runVitest(["unit", "boundaries", ...(options.unit === true ? [] : ["e2e"])]),
          ];
  const sum = (part: keyof Count): number =>
    counts.reduce((total, count) => total + count[part], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  if (passed + failed === 0) throw new CleanroomError("no-tests", "no test ran");
  process.stdout.write(
    `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}\n`,
  );
  if (failed > 0) process.exitCode = 1;
}

export const testCommand: CommandModule<object, Options> = {
  command: "test [files..]",
  describe: "The project's tests",
  builder: (parser) =>
    parser
      .option("unit", {
        type: "boolean",
        describe: "Only the fast part, which builds nothing",
      })
      .option("stack", {
        type: "boolean",
        describe: "Only what needs the whole Gtk+ stack built",
      })
      .option("desktop", {
        type: "boolean",
        describe: "Only what needs a desktop's image and a browser",
      })
      .positional("files", {
        type: "string",
        array: true,
        default: [],
        describe: "With --desktop: only the test files whose path contains one of these",
      })
      .conflicts({ unit: ["stack", "desktop"], stack: "desktop" }) as never,
  handler: test,
};
