import {
  type AtFailure,
  buildPackages,
  type BuildResult,
  checkCutoffs,
  checkReproducible,
  checkSourceRpms,
  type CutoffCheck,
  describeRun,
  developPackage,
  explainBuilds,
  type LintFinding,
  lintPackages,
  makeSourceRpms,
  openBuildRoot,
  planPackages,
  readRunSummary,
  type ReproductionResult,
  type RunnerContext,
} from "@cleanroom/rpm-runner";
import { formatBuildId } from "@cleanroom/spec-strip";
import {
  CleanroomError,
  describeDuration,
  formatError,
  type Logger,
  run,
  type Sandbox,
  sandboxArguments,
} from "@cleanroom/core";
import path from "node:path";
import type { CommandModule } from "yargs";
import { type GlobalOptions, outputFolder, Session, sourceFolder, workspace } from "../session.ts";

type Options = GlobalOptions & {
  readonly packages?: readonly string[];
  readonly stage?: "bootstrap" | undefined;
  readonly parallel?: number | undefined;
  readonly jobs?: number | undefined;
  readonly memory?: number | undefined;
  readonly keepGoing?: boolean | undefined;
  readonly last?: boolean | undefined;
  readonly cutoff?: "content" | "abi" | undefined;
  readonly audit?: boolean | undefined;
  readonly testDependents?: boolean | undefined;
  readonly plan?: boolean | undefined;
  readonly ccache?: boolean | undefined;
  readonly checkReproducible?: boolean | undefined;
  readonly shellOnFailure?: boolean | undefined;
};

async function build(options: Options): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(options.packages ?? []);
  if (options.plan === true) {
    await plan(session, names);
    return;
  }
  const limits = {
    // A shell has the terminal to itself.
    builds: options.shellOnFailure === true ? 1 : (options.parallel ?? 2),
    jobs: options.jobs,
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory * 1024 ** 3 }),
    keepGoing: options.keepGoing ?? false,
  };
  const context = await session.runnerContext(limits, {
    compilerCache: options.ccache !== false,
    cutoff: options.cutoff ?? "content",
    atFailure: options.shellOnFailure === true ? shellAt(session.logger) : undefined,
  });
  if (options.checkReproducible === true) {
    printComparison(session, await checkReproducible(context, names), "bit for bit the same");
    return;
  }
  if (options.audit === true || options.testDependents === true) {
    await checkCutOff(session, context, names, options.audit === true ? "audit" : "tests");
    return;
  }
  const results = await buildPackages(context, names, options.stage);
  session.print(results, results.map(describe).join("\n"));
  const summary = await readRunSummary(context.outputFolder);
  if (summary !== undefined) session.logger.info(describeRun(summary));
}

/** Builds what was cut off by interfaces with the packages of now. */
async function checkCutOff(
  session: Session,
  context: RunnerContext,
  names: readonly string[],
  purpose: "audit" | "tests",
): Promise<void> {
  const checks = await checkCutoffs(context, names, purpose);
  const isGood = ({ differences = [], failure }: CutoffCheck): boolean =>
    differences.length === 0 && failure === "";
  const none = "nothing was cut off by an interface";
  session.print(checks, checks.length === 0 ? none : checks.map(describeCheck).join("\n"));
  if (!checks.every(isGood)) process.exitCode = 1;
}

function describeCheck({ id, differences, tests, failure }: CutoffCheck): string {
  if (failure !== "") {
    return `${id}: ${tests === "failed" ? "its tests or its build" : "its build"} FAILED with the packages of now\n${failure}`;
  }
  const tested = tests === "passed" ? "its tests passed" : "it has no tests";
  if (differences === undefined) return `${id}: ${tested}`;
  if (differences.length === 0) return `${id}: comes out the same, bit for bit; ${tested}`;
  return [
    `${id}: comes out DIFFERENT; ${tested}`,
    ...differences.flatMap(({ rpm, what, first, second }) => [
      `  ${rpm}: ${what}`,
      `    cut off: ${first}`,
      `    built now: ${second}`,
    ]),
  ].join("\n");
}

/** The builds of a run in their order, without doing any; needs no base. */
async function plan(session: Session, names: readonly string[]): Promise<void> {
  const context = { store: await session.store(), stack: await session.stack() };
  const builds = planPackages(context, names);
  session.print(
    builds,
    builds
      .map(({ id, needs, expectedMs }) => {
        const time = expectedMs === undefined ? "" : ` (about ${describeDuration(expectedMs)})`;
        return `${id}${time}${needs.length === 0 ? "" : `, after ${needs.join(", ")}`}`;
      })
      .join("\n"),
  );
}

/** rpmlint's settings for all packages. */
const lintSettings = path.join(workspace, "specs/rpm/rpmlint.toml");

/** Judges specs and built packages; warnings count, for each can be filtered with its reason. */
async function lint(options: Options): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(options.packages ?? []);
  const linter = await (await session.base()).linter();
  if (linter === undefined) {
    throw new CleanroomError("no-linter", `the base ${options.base} names no rpmlint`, {
      exitCode: 2,
      hint: "name it in base.yaml: linter: [rpmlint]",
    });
  }
  const context = await session.runnerContext();
  const results = await lintPackages(context, { linter, settings: lintSettings, names });
  const describeFinding = ({ level, subject, check, detail }: LintFinding): string =>
    `${subject}: ${level}: ${check} ${detail}`.trimEnd();
  session.print(
    results,
    results
      .flatMap(({ name, findings }) =>
        findings.length === 0 ? [`${name}: nothing to say`] : findings.map(describeFinding),
      )
      .join("\n"),
  );
  if (results.some(({ findings }) => findings.length > 0)) process.exitCode = 1;
}

interface SourceOptions extends GlobalOptions {
  readonly packages?: readonly string[];
  readonly checkRebuild: boolean;
}

async function source(options: SourceOptions): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(options.packages ?? []);
  const context = await session.runnerContext();
  const made = await makeSourceRpms(context, names, sourceFolder);
  if (options.checkRebuild) {
    printComparison(session, await checkSourceRpms(context, names), "the same when rebuilt");
    return;
  }
  session.print(made, made.map(({ name, file }) => `dist/srpms/${name}/${file}`).join("\n"));
}

function printComparison(
  session: Session,
  checked: readonly ReproductionResult[],
  same: string,
): void {
  session.print(
    checked,
    checked
      .map(({ id, isReproducible, differences, report }) =>
        [
          `${id}: ${isReproducible ? same : "NOT the same"}`,
          ...differences.flatMap(({ rpm, what, first, second }) => [
            `  ${rpm}: ${what}`,
            `    first:  ${first}`,
            `    second: ${second}`,
          ]),
          ...(report === undefined ? [] : [`  more of it: ${report}`]),
        ].join("\n"),
      )
      .join("\n"),
  );
  if (checked.some(({ isReproducible }) => !isReproducible)) process.exitCode = 1;
}

async function explain(options: Options): Promise<void> {
  // It fetches nothing: what a remote store has counts once it is here.
  const session = new Session({ ...options, remote: "off" });
  if (options.last === true) {
    await explainLastRun(session);
    return;
  }
  const names = await session.packageNames(options.packages ?? []);
  const explanations = await explainBuilds(
    await session.runnerContext({}, { cutoff: options.cutoff ?? "content" }),
    names,
  );
  const words = {
    "up-to-date": "up to date",
    "cut-off": "cut off",
    "would-run": "would run",
    depends: "may run",
  };
  session.print(
    explanations,
    explanations
      .map(({ id, state, reasons }) =>
        [`${id}: ${words[state]}`, ...reasons.map((reason) => `  ${reason}`)].join("\n"),
      )
      .join("\n"),
  );
}

/** What the last run with this workspace did, and the time that it saved. */
async function explainLastRun(session: Session): Promise<void> {
  const summary = await readRunSummary(outputFolder);
  if (summary === undefined) {
    throw new CleanroomError("no-run", "nothing was built in this workspace yet", {
      hint: "./cleanroom rpm build",
    });
  }
  const words = { built: "built", "cut-off": "cut off", cached: "cached" } as const;
  const lines = summary.builds.map(({ id, how, buildMs }) => {
    if (how === "failed" || how === "skipped") return `${id}: ${how}`;
    return `${id}: ${words[how]}, ${describeDuration(buildMs)}${how === "built" ? "" : " saved"}`;
  });
  session.print(summary, [...lines, describeRun(summary)].join("\n"));
}

function describe(result: BuildResult): string {
  const { name, stage, how, rpms, buildMs } = result;
  const seconds = (buildMs / 1000).toFixed(1);
  const folder = stage === undefined ? "dist/rpms" : `dist/stages/${stage}`;
  if (how === "cut-off") {
    return `${formatBuildId(result)}: cut off, its last build of ${seconds} s still holds with what was built anew`;
  }
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
    await openShell(name, sandbox);
  });
}

async function openShell(name: string, sandbox: Sandbox): Promise<void> {
  await run("bwrap", [...sandboxArguments(sandbox), "bash", "--norc", "-i"], {
    interactive: true,
    step: `${name}: shell`,
    accept: Array.from({ length: 256 }, (_, code) => code),
  });
}

/** Opens a shell where a build has failed; the run goes on, or ends, when it is left. */
function shellAt(logger: Logger): AtFailure {
  return async ({ name, error, sandbox, command, script }) => {
    logger.error(formatError(error));
    logger.info(`a shell where it stopped; the build was: ${command.join(" ")}`);
    if (script !== undefined) logger.info(`the step that failed, once more: sh -e ${script}`);
    await openShell(name, sandbox);
  };
}

interface DevOptions extends GlobalOptions {
  readonly name: string;
  readonly source: string;
  readonly patches: boolean;
  readonly jobs?: number | undefined;
  readonly shellOnFailure?: boolean | undefined;
}

async function develop(options: DevOptions): Promise<void> {
  const session = new Session(options);
  const [name = options.name] = await session.packageNames([options.name]);
  const context = await session.runnerContext(
    { jobs: options.jobs },
    { atFailure: options.shellOnFailure === true ? shellAt(session.logger) : undefined },
  );
  const made = await developPackage(context, name, {
    checkout: options.source,
    patches: options.patches,
    outputFolder: path.join(workspace, "dist/dev"),
  });
  const seconds = (made.buildMs / 1000).toFixed(1);
  const how = made.isIncremental ? "what changed was built" : "built";
  const text = `${name}: ${how} in ${seconds} s, ${made.rpms.length} development RPMs in dist/dev/${name}`;
  session.print({ ...made, folder: `dist/dev/${name}` }, text);
}

const cutoffOption = {
  choices: ["content", "abi"] as const,
  default: "content" as const,
  describe:
    "abi: what offers the same interface makes no new builds, whatever its package.yaml says",
};

const shellOption = {
  type: "boolean" as const,
  default: false,
  describe: "Where a build fails, open a shell in its sandbox, before it is cleared away",
};

export const rpmCommand: CommandModule<object, Options> = {
  command: "rpm",
  describe: "Build packages from specs",
  builder: (parser) =>
    parser
      .command<Options>(
        "build [packages..]",
        "Build packages, and what they need, where something changed; all without names",
        (inner) =>
          inner
            .positional("packages", { type: "string", array: true })
            .option("stage", {
              choices: ["bootstrap"] as const,
              describe: "Build the named packages only as far as this stage",
            })
            .option("parallel", { type: "number", default: 2, describe: "Builds at once" })
            .option("jobs", {
              type: "number",
              describe: "Compiler jobs of all builds together; else as many for each as processors",
            })
            .option("memory", {
              type: "number",
              describe: "GiB that all builds may take together; else four fifths of what is free",
            })
            .option("cutoff", cutoffOption)
            .option("audit", {
              type: "boolean",
              default: false,
              describe: "Build what was cut off by an interface, and show what differs",
            })
            .option("test-dependents", {
              type: "boolean",
              default: false,
              describe: "Run the tests of what was cut off against the libraries of now",
            })
            .option("plan", {
              type: "boolean",
              default: false,
              describe: "Say what would be looked at in which order, and do nothing",
            })
            .option("keep-going", {
              type: "boolean",
              default: false,
              describe: "After a failure go on with what does not need the failed package",
            })
            .option("ccache", {
              type: "boolean",
              default: true,
              describe: "Keep what compilers made in the store; --no-ccache compiles everything",
            })
            .option("shell-on-failure", shellOption)
            .option("check-reproducible", {
              type: "boolean",
              default: false,
              describe: "Build again in other surroundings and show what differs",
            }) as never,
        build,
      )
      .command<Options>(
        "explain [packages..]",
        "Say why packages would be built or not; builds nothing",
        (inner) =>
          inner
            .positional("packages", { type: "string", array: true })
            .option("cutoff", cutoffOption)
            .option("last", {
              type: "boolean",
              default: false,
              describe: "What the last run built, cut off and had, and the time that it saved",
            }) as never,
        explain,
      )
      .command<Options & { readonly name: string }>(
        "shell <name>",
        "A shell in a package's build root, sources in place",
        (inner) => inner.positional("name", { type: "string", demandOption: true }) as never,
        shell,
      )
      .command<DevOptions>(
        "dev <name>",
        "Build a package from a local checkout, and of that only what changed since the last time",
        (inner) =>
          inner
            .positional("name", { type: "string", demandOption: true })
            .option("source", {
              type: "string",
              demandOption: true,
              describe:
                "Folder of the sources; it stands for the spec's archive and is not written to",
            })
            .option("patches", {
              type: "boolean",
              default: true,
              describe:
                "Apply the spec's patches; --no-patches where the checkout has them already",
            })
            .option("jobs", { type: "number", describe: "Compiler jobs at once" })
            .option("shell-on-failure", shellOption) as never,
        develop,
      )
      .command<Options>(
        "lint [packages..]",
        "What rpmlint says of specs and their packages; of all without names",
        (inner) => inner.positional("packages", { type: "string", array: true }) as never,
        lint,
      )
      .command<SourceOptions>(
        "srpm [packages..]",
        "Make source packages, of the specs as they were built; of all packages without names",
        (inner) =>
          inner.positional("packages", { type: "string", array: true }).option("check-rebuild", {
            type: "boolean",
            default: false,
            describe: "Rebuild the packages from them and show what differs",
          }) as never,
        source,
      )
      .demandCommand(1, "rpm what? build, explain, shell, dev, lint or srpm") as never,
  handler: () => undefined,
};
