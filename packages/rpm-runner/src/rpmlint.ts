import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CommandError,
  CleanroomError,
  pathExists,
  runInSandbox,
  type Sandbox,
  type Tools,
} from "@cleanroom/core";
import { packageOfBuild, type StackPackage } from "@cleanroom/spec-strip";
import { buildPackages } from "./build.ts";
import { macroFileText } from "./macro-file.ts";
import type { RunnerContext } from "./runner-context.ts";

/** One line of rpmlint's. */
export interface LintFinding {
  readonly level: "error" | "warning" | "info";
  /** What it is about: `catatonit.x86_64`, or `catatonit.spec:12`. */
  readonly subject: string;
  /** rpmlint's name of what it found, such as `no-packager-tag`. */
  readonly check: string;
  readonly detail: string;
}

/** What rpmlint says of one package: its spec and all its RPMs. */
export interface LintResult {
  readonly name: string;
  readonly findings: readonly LintFinding[];
}

export interface LintRequest {
  readonly linter: Tools;
  /** Host path of rpmlint's settings for all packages. */
  readonly settings: string;
  readonly names: readonly string[];
}

/**
 * Judges specs and the packages that they make with rpmlint; what is not built yet is. The spec is
 * the one that people write, no profile applied. rpmlint expands its macros, so it runs in the
 * sandbox, from packages of the base. What `NAME.rpmlintrc` beside the spec filters does not count.
 */
export async function lintPackages(
  context: RunnerContext,
  { linter, settings, names }: LintRequest,
): Promise<readonly LintResult[]> {
  await buildPackages(context, names);
  const results: LintResult[] = [];
  for (const name of names) {
    const entry = packageOfBuild(context.stack, { name, stage: undefined });
    context.logger.info(`${name}: rpmlint`, { package: name });
    const output = await context.store.withTemporaryFolder("lint", async (folder) =>
      rpmlint(await lintSandbox(context, entry, linter, settings, folder), entry),
    );
    results.push({ name, findings: parseFindings(output) });
  }
  return results;
}

async function lintSandbox(
  { macros, outputFolder }: RunnerContext,
  entry: StackPackage,
  { root }: Tools,
  settings: string,
  folder: string,
): Promise<Sandbox> {
  // As the user's own macros: rpm reads no others of its own accord.
  const home = path.join(folder, "home");
  await mkdir(home);
  await writeFile(path.join(home, ".rpmmacros"), macroFileText(macros));
  return {
    root,
    mounts: [
      { source: home, target: "/home" },
      { source: settings, target: "/settings.toml" },
      { source: entry.folder, target: "/spec" },
      { source: path.join(outputFolder, entry.name), target: "/packages" },
    ],
    env: { HOME: "/home" },
  };
}

/** Exit codes of rpmlint when it found errors, too much badness or both. */
const foundErrors = [64, 65, 66];

async function rpmlint(sandbox: Sandbox, { name, folder }: StackPackage): Promise<string> {
  const filters = `${name}.rpmlintrc`;
  const options = ["--config", "/settings.toml"];
  if (await pathExists(path.join(folder, filters))) options.push("--rpmlintrc", `/spec/${filters}`);
  const command = `exec rpmlint "$@" /spec/${name}.spec /packages/*.rpm`;
  try {
    const { stdout } = await runInSandbox(sandbox, ["sh", "-c", command, "sh", ...options], {
      step: `${name}: rpmlint`,
      accept: [0, ...foundErrors],
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CleanroomError("lint-failed", "rpmlint itself failed", { cause: error });
  }
}

const levels = { E: "error", W: "warning", I: "info" } as const;

/** rpmlint's findings in its output: `SUBJECT: LEVEL: CHECK [DETAIL]`. */
export function parseFindings(output: string): LintFinding[] {
  return output.split("\n").flatMap((line) => {
    const [, subject, letter, check, detail = ""] =
      /^(\S+): ([EWI]): (\S+)(?: (.*))?$/.exec(line) ?? [];
    if (subject === undefined || letter === undefined || check === undefined) return [];
    return [{ level: levels[letter as keyof typeof levels], subject, check, detail }];
  });
}
