import { dependencyKinds, type Evaluation, formatDiagnostic, type SpecPackage } from "rpm-parser";
import type { Argv, CommandModule } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";
import { diff, diffArguments, type DiffOptions } from "./spec-diff.ts";
import { strip, stripArguments, type StripOptions } from "./spec-strip.ts";
import { evaluateFile, macroTable, type SpecOptions } from "../spec-evaluation.ts";

type Options = GlobalOptions & SpecOptions & { readonly files: readonly string[] };

/** Order alone is no dependency that a query asks for. */
const queriedKinds = dependencyKinds.filter((kind) => kind !== "orderWithRequires");

/** The shape that scripts rely on. */
function queryResult(file: string, { package: source, diagnostics }: Evaluation): object {
  return {
    file,
    name: source.name,
    epoch: source.epoch,
    version: source.version,
    release: source.release,
    arch: source.arch,
    buildRequires: source.buildRequires.map(({ text }) => text),
    buildConflicts: source.buildConflicts.map(({ text }) => text),
    sources: source.sources.map(({ text }) => text),
    patches: source.patches.map(({ text }) => text),
    packages: source.packages.map((entry) => ({
      name: entry.name,
      epoch: entry.epoch,
      version: entry.version,
      release: entry.release,
      arch: entry.arch,
      ...Object.fromEntries(
        queriedKinds.map((kind) => [kind, entry[kind].map(({ text }) => text)]),
      ),
    })),
    diagnostics: diagnostics.map(({ code, message, place }) => ({
      code,
      message,
      file: place.file ?? file,
      line: place.line ?? null,
      column: place.column ?? null,
    })),
  };
}

function evr({
  epoch,
  version,
  release,
}: Pick<SpecPackage, "epoch" | "version" | "release">): string {
  return `${epoch === null ? "" : `${epoch}:`}${version}-${release}`;
}

function describe({ package: source }: Evaluation): string {
  return [
    `${source.name} ${evr(source)}: ${source.summary}`,
    `  licence: ${source.license}`,
    ...source.sources.map(({ number, text }) => `  source ${number}: ${text}`),
    ...source.patches.map(({ number, text }) => `  patch ${number}: ${text}`),
    `  build requires:`,
    ...source.buildRequires.map(({ text }) => `    ${text}`),
    ...source.packages.flatMap((entry) => [
      `  package ${entry.name} ${evr(entry)} ${entry.arch}${entry.files === undefined ? " (not built: no %files)" : ""}`,
      ...entry.requires.map(({ text }) => `    requires ${text}`),
    ]),
    `  conditions: ${source.buildConditions.map(({ name, isEnabled }) => `${isEnabled ? "+" : "-"}${name}`).join(" ")}`,
  ].join("\n");
}

async function forEachFile(
  options: Options,
  work: (session: Session, file: string, evaluation: Evaluation) => void,
): Promise<void> {
  const session = new Session(options);
  const macros = await macroTable(session, options);
  for (const file of options.files) {
    const evaluation = await evaluateFile(file, macros, options);
    work(session, file, evaluation);
    if (!evaluation.accepted) process.exitCode = 1;
  }
}

function reportDiagnostics({ diagnostics }: Evaluation): void {
  for (const diagnostic of diagnostics) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
}

const query = (options: Options): Promise<void> =>
  forEachFile(options, (session, file, evaluation) => {
    session.print(queryResult(file, evaluation), describe(evaluation));
    if (!options.json) reportDiagnostics(evaluation);
  });

const expand = (options: Options): Promise<void> =>
  forEachFile(options, (session, file, evaluation) => {
    session.print({ file, text: evaluation.expandedText }, evaluation.expandedText);
    reportDiagnostics(evaluation);
  });

const lint = (options: Options): Promise<void> =>
  forEachFile(options, (session, file, evaluation) => {
    const { diagnostics } = evaluation;
    session.print(
      { file, diagnostics },
      diagnostics.length === 0
        ? `${file}: nothing to say`
        : diagnostics.map((diagnostic) => formatDiagnostic(diagnostic)).join("\n"),
    );
  });

const files = (parser: Argv): never =>
  parser.positional("files", { type: "string", array: true, demandOption: true }) as never;

export const specCommand: CommandModule<object, Options> = {
  command: "spec",
  describe: "What spec files say, without rpm",
  builder: (parser) =>
    parser
      .option("macros", {
        type: "string",
        describe: "Macro files in place of the base's: GLOB:GLOB",
      })
      .option("define", { type: "string", array: true, nargs: 1, describe: "'NAME BODY'" })
      .option("with", { type: "string", array: true, nargs: 1, describe: "Switch a condition on" })
      .option("without", { type: "string", array: true, nargs: 1, describe: "Switch one off" })
      .option("target", { type: "string", describe: "Architecture to evaluate for" })
      .command<Options>("show <files..>", "What a spec makes and needs", files, query)
      .command<Options>(
        "query <files..>",
        "The same; one JSON object a line with --json",
        files,
        query,
      )
      .command<Options>("expand <files..>", "The text with all macros expanded", files, expand)
      .command<Options>("lint <files..>", "Diagnostics alone", files, lint)
      .command<StripOptions>(
        "strip <files..>",
        "A spec without what profiles do not want",
        stripArguments,
        strip,
      )
      .command<DiffOptions>(
        "diff <first> <second>",
        "What changed in what a spec means",
        diffArguments,
        diff,
      )
      .demandCommand(1, "spec what? show, query, expand, lint, strip or diff") as never,
  handler: () => undefined,
};
