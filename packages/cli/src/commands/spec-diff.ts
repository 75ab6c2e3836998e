import { diffSpecs, type SpecChange } from "@cleanroom/spec-strip";
import type { Argv } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";
import { pairLongLines } from "./changed-words.ts";
import { evaluateFile, type SpecOptions, specSurroundings } from "../spec-evaluation.ts";

export type DiffOptions = GlobalOptions &
  SpecOptions & { readonly first: string; readonly second: string };

export const diffArguments = (parser: Argv): never =>
  parser
    .positional("first", { type: "string", demandOption: true })
    .positional("second", { type: "string", demandOption: true }) as never;

/** `spec diff`: what changed in what a spec means. */
export async function diff(options: DiffOptions): Promise<void> {
  const session = new Session(options);
  const surroundings = await specSurroundings(session, options);
  const [first, second] = await Promise.all(
    [options.first, options.second].map((file) => evaluateFile(file, surroundings, options)),
  );
  if (first === undefined || second === undefined) return;
  const changes = diffSpecs(first.evaluation.package, second.evaluation.package);
  session.print(
    changes.map(({ packageName, subject, before, after }) => ({
      package: packageName ?? null,
      subject,
      before: before ?? null,
      after: after ?? null,
    })),
    changes.length === 0 ? "no difference in meaning" : describe(changes),
  );
}

function describe(changes: readonly SpecChange[]): string {
  const groups = Map.groupBy(changes, ({ packageName, subject }) =>
    subject === "package" ? "packages" : `${packageName ?? "source"}: ${subject}`,
  );
  return [...groups]
    .flatMap(([heading, group]) => {
      const lines = pairLongLines(
        group.flatMap(({ before }) => before?.split("\n") ?? []),
        group.flatMap(({ after }) => after?.split("\n") ?? []),
      );
      return [
        heading,
        ...lines.changed.flatMap(({ start, gone, came }) => [
          `  ${start} ...`,
          ...gone.map((word) => `    - ${word}`),
          ...came.map((word) => `    + ${word}`),
        ]),
        ...lines.gone.map((line) => `  - ${line}`),
        ...lines.came.map((line) => `  + ${line}`),
      ];
    })
    .join("\n");
}
