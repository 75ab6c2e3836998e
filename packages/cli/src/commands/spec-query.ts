import { CleanroomError } from "@cleanroom/core";
import {
  formatQuery,
  packageTags,
  QueryFormatError,
  type SourcePackage,
  sourceTags,
} from "rpm-parser";
import type { Argv } from "yargs";

/** Which packages of a spec, and what of them: as rpmspec's options of the same names. */
export interface QuerySelection {
  readonly queryformat?: string | undefined;
  readonly srpm?: boolean | undefined;
  readonly builtrpms?: boolean | undefined;
  /** Kinds of dependencies to list. */
  readonly [kind: string]: unknown;
}

/** The tags behind rpm's own short forms of `--qf`. */
const lists: Readonly<Record<string, string>> = {
  requires: "REQUIRENEVRS",
  provides: "PROVIDENEVRS",
  conflicts: "CONFLICTNEVRS",
  obsoletes: "OBSOLETENEVRS",
  recommends: "RECOMMENDNEVRS",
  suggests: "SUGGESTNEVRS",
  supplements: "SUPPLEMENTNEVRS",
  enhances: "ENHANCENEVRS",
  buildrequires: "REQUIRENEVRS",
  buildconflicts: "CONFLICTNEVRS",
};

export const queryArguments = (parser: Argv): never =>
  Object.keys(lists).reduce(
    (all, kind) => all.option(kind, { type: "boolean", describe: `Every package's ${kind}` }),
    parser
      .positional("files", { type: "string", array: true, demandOption: true })
      .option("queryformat", {
        alias: "qf",
        type: "string",
        nargs: 1,
        describe: "As rpm's: '%{NAME} [%{REQUIRES} ]\\n'",
      })
      .option("srpm", { type: "boolean", describe: "The source package" })
      .option("builtrpms", { type: "boolean", describe: "Only packages with %files" }),
  ) as never;

/**
 * What `rpmspec -q` prints.
 *
 * @throws {CleanroomError} `query-format`
 */
export function answerQuery(source: SourcePackage, selection: QuerySelection): string {
  const kind = Object.keys(lists).find((one) => selection[one] === true);
  const isSource = selection.srpm === true || kind?.startsWith("build") === true;
  const format =
    selection.queryformat ?? (kind === undefined ? "%{NVRA}\\n" : `[%{${lists[kind]}}\\n]`);
  const packages = source.packages.filter(
    ({ files }) => selection.builtrpms !== true || files !== undefined,
  );
  try {
    if (isSource && selection.queryformat === undefined && kind === undefined) {
      return formatQuery("%{NVR}.src\\n", sourceTags(source));
    }
    return isSource
      ? formatQuery(format, sourceTags(source))
      : packages.map((one) => formatQuery(format, packageTags(source, one))).join("");
  } catch (error) {
    if (!(error instanceof QueryFormatError)) throw error;
    throw new CleanroomError("query-format", `the query format is wrong: ${error.message}`, {
      cause: error,
      hint: "It is written as for rpm's --queryformat; `man rpm` describes it.",
      exitCode: 2,
    });
  }
}
