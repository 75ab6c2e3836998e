import {
  dependencyKinds,
  type Evaluation,
  formatDiagnostic,
  lintSpec,
  type SpecDiagnostic,
  type SpecPackage,
  type SpecTree,
} from "rpm-parser";
import type { Argv, CommandModule } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";
import { diff, diffArguments, type DiffOptions } from "./spec-diff.ts";
import { answerQuery, queryArguments, type QuerySelection } from "./spec-query.ts";
import { strip, stripArguments, type StripOptions } from "./spec-strip.ts";
import { evaluateFile, type SpecOptions, specSurroundings } from "../spec-evaluation.ts";

type Options = GlobalOptions & SpecOptions & { readonly files: readonly string[] };
type QueryOptions = Options & QuerySelection;

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
  work: (session: Session, file: string, evaluation: Evaluation, tree: SpecTree) => void,
): Promise<void> {
  const session = new Session(options);
  const surroundings = await specSurroundings(session, options);
  for (const file of options.files) {
    const { evaluation, tree } = await evaluateFile(file, surroundings, options);
    work(session, file, evaluation, tree);
    if (!evaluation.accepted) process.exitCode = 1;
  }
}

/** With the line each is about; a place in an included file has none here. */
function describeDiagnostics(
  file: string,
  diagnostics: readonly SpecDiagnostic[],
  tree: SpecTree,
): string {
  return diagnostics
    .map((one) => formatDiagnostic(one, one.place.file === file ? tree.source.text : undefined))
    .join("\n");
}

function reportDiagnostics(file: string, { diagnostics }: Evaluation, tree: SpecTree): void {
  if (diagnostics.length === 0) return;
  process.stderr.write(`${describeDiagnostics(file, diagnostics, tree)}\n`);
}

const show = (options: Options): Promise<void> =>
  forEachFile(options, (session, file, evaluation, tree) => {
    session.print(queryResult(file, evaluation), describe(evaluation));
    if (!options.json) reportDiagnostics(file, evaluation, tree);
  });

const query = (options: QueryOptions): Promise<void> =>
  forEachFile(options, (session, file, evaluation, tree) => {
    if (options.json) session.print(queryResult(file, evaluation), "");
    else {
      process.stdout.write(answerQuery(evaluation.package, options));
      reportDiagnostics(file, evaluation, tree);
    }
  });

const expand = (options: Options): Promise<void> =>
  forEachFile(options, (session, file, evaluation, tree) => {
    session.print({ file, text: evaluation.expandedText }, evaluation.expandedText);
    reportDiagnostics(file, evaluation, tree);
  });

const lint = (options: Options): Promise<void> =>
  forEachFile(options, (session, file, evaluation, tree) => {
    const diagnostics = lintSpec(tree, evaluation);
    session.print(
      { file, diagnostics },
      diagnostics.length === 0
        ? `${file}: nothing to say`
        : describeDiagnostics(file, diagnostics, tree),
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
      .option("undefine", { type: "string", array: true, nargs: 1, describe: "Remove a macro" })
      .option("rpm", {
        type: "string",
        choices: ["4.18", "4.20"],
        describe: "Which rpm to be, where they differ",
      })
      .option("shell", {
        choices: ["deny", "emulate", "run"],
        describe: "What becomes of %(...): nothing, what can be imitated, or a run in the sandbox",
      })
      .option("shell-root", {
        type: "string",
        describe: "With --shell run: the system whose programs run (the base's tools)",
      })
      .option("answer", {
        type: "string",
        array: true,
        nargs: 2,
        describe: "With --shell emulate: a command and what it prints",
      })
      .option("target", { type: "string", describe: "Architecture to evaluate for" })
      .command<Options>("show <files..>", "What a spec makes and needs", files, show)
      .command<QueryOptions>(
        "query <files..>",
        "What rpmspec -q tells; one JSON object a line with --json",
        queryArguments,
        query,
      )
      .command<Options>("expand <files..>", "The text with all macros expanded", files, expand)
      .command<Options>("lint <files..>", "What is wrong, and what is seldom meant", files, lint)
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
