import path from "node:path";
import {
  CleanroomError,
  formatPlace,
  pathExists,
  readYamlFile,
  writeFileAtomic,
} from "@cleanroom/core";
import {
  applyProfiles,
  describeUnmatched,
  packageFileSchema,
  type Profile,
  readProfiles,
  ruleName,
  type StrippedSpec,
  unmatchedRules,
} from "@cleanroom/spec-strip";
import { printSpec } from "rpm-parser";
import type { Argv } from "yargs";
import { suggest } from "./spec-suggest.ts";
import { type GlobalOptions, Session, workspace } from "../session.ts";
import { specSurroundings, readSpecFile, type SpecOptions } from "../spec-evaluation.ts";

export type StripOptions = GlobalOptions &
  SpecOptions & {
    readonly files: readonly string[];
    readonly profile?: readonly string[] | undefined;
    readonly inPlace: boolean;
    readonly explain: boolean;
    readonly strict: boolean;
    readonly suggest: boolean;
  };

export const stripArguments = (parser: Argv): never =>
  parser
    .positional("files", { type: "string", array: true, demandOption: true })
    .option("profile", {
      type: "string",
      array: true,
      nargs: 1,
      describe: "A profile of specs/profile, or the path of one; else those of package.yaml",
    })
    .option("in-place", { type: "boolean", default: false, describe: "Write the files themselves" })
    .option("explain", { type: "boolean", default: false, describe: "Every edit with its reason" })
    .option("suggest", {
      type: "boolean",
      default: false,
      describe: "For the names of built packages: what a profile could take away",
    })
    .option("strict", {
      type: "boolean",
      default: false,
      describe: "Fail on rules that find nothing, and on what is forbidden and still asked for",
    }) as never;

/** `spec strip`: the stripped text, or what was done to it. */
export async function strip(options: StripOptions): Promise<void> {
  const { files, inPlace, explain, strict, json } = options;
  if (options.suggest) return suggest(options, files);
  if (files.length > 1 && !inPlace && !explain && !json) {
    throw new CleanroomError("usage", "the text of several files cannot go to one place", {
      exitCode: 2,
      hint: "--in-place writes them, --explain and --json report on them",
    });
  }
  const session = new Session(options);
  const surroundings = await specSurroundings(session, options);
  const used = new Map<string, Profile>();
  const results: StrippedSpec[] = [];
  for (const file of files) {
    const spec = await readSpecFile(file, surroundings, options);
    const profiles = await profilesFor(file, options);
    for (const profile of profiles) used.set(profile.name, profile);
    const stripped = applyProfiles(spec.tree, spec.options, profiles);
    results.push(stripped);
    if (inPlace && stripped.report.edits.length > 0) {
      await writeFileAtomic(file, printSpec(stripped.tree));
    }
    if (json || explain) session.print(jsonOf(file, stripped), explanation(file, stripped));
    // The bytes, not the text: a spec need not be UTF-8.
    else if (!inPlace) process.stdout.write(printSpec(stripped.tree));
    const worse = stripped.original.accepted && !stripped.evaluation.accepted;
    if (worse) {
      process.exitCode = 1;
      session.logger.warning(`${file}: what is left is no valid spec; \`spec lint\` says why`);
    }
    const { forbidden, remaining } = stripped.report;
    for (const [list, what] of [
      [forbidden, "is forbidden"],
      [remaining, "is not written in the spec, and stays"],
    ] as const) {
      if (strict && list.length > 0) process.exitCode = 1;
      for (const { packageName, kind, dependency, rule, place } of list) {
        const where = `${formatPlace(place)}: ${packageName}`;
        session.logger.warning(`${where}: ${kind} ${dependency} ${what} (${rule})`);
      }
    }
  }
  const idle = unmatchedRules(
    [...used.values()],
    results.map(({ report }) => report),
  );
  if (strict && idle.length > 0) process.exitCode = 1;
  for (const line of describeUnmatched(idle)) session.logger.warning(line);
}

async function profilesFor(file: string, options: StripOptions): Promise<readonly Profile[]> {
  if (options.profile !== undefined) return readProfiles(workspace, options.profile);
  const packageFile = path.join(path.dirname(file), "package.yaml");
  if (await pathExists(packageFile)) {
    return readProfiles(workspace, (await readYamlFile(packageFile, packageFileSchema)).profiles);
  }
  throw new CleanroomError("usage", `which profile? ${packageFile} is not there to say`, {
    exitCode: 2,
    hint: "--profile NAME",
  });
}

/** The shape that scripts rely on. */
function jsonOf(file: string, { text, evaluation, report }: StrippedSpec): object {
  return {
    file,
    accepted: evaluation.accepted,
    text,
    edits: report.edits,
    unmatched: report.unmatched.map((rule) => ruleName(rule)),
    forbidden: report.forbidden,
    remaining: report.remaining,
  };
}

function explanation(file: string, { report }: StrippedSpec): string {
  if (report.edits.length === 0) return `${file}: nothing to do`;
  return report.edits
    .flatMap(({ what, rules, reason, before, after }) => [
      `${formatPlace(before)}: ${what}`,
      `    ${rules.join(", ")}`,
      `    ${reason}`,
      ...mark("-", before.text),
      ...mark("+", after.text),
    ])
    .join("\n");
}

function mark(sign: string, text: string): string[] {
  if (text === "") return [];
  const lines = text.replace(/^\n|\n$/g, "").split("\n");
  const shown =
    lines.length > 12 ? [...lines.slice(0, 10), `... ${lines.length - 10} more`] : lines;
  return shown.map((line) => `  ${sign} ${line}`);
}
