import { diffSpecs, type SpecChange } from "@cleanroom/spec-strip";
import type { Argv } from "yargs";
import { type GlobalOptions, Session } from "../session.ts";
import { evaluateFile, macroTable, type SpecOptions } from "../spec-evaluation.ts";

export type DiffOptions = GlobalOptions &
  SpecOptions & { readonly first: string; readonly second: string };

export const diffArguments = (parser: Argv): never =>
  parser
    .positional("first", { type: "string", demandOption: true })
    .positional("second", { type: "string", demandOption: true }) as never;

/** `spec diff`: what changed in what a spec means. */
export async function diff(options: DiffOptions): Promise<void> {
  const session = new Session(options);
  const macros = await macroTable(session, options);
  const [first, second] = await Promise.all(
    [options.first, options.second].map((file) => evaluateFile(file, macros, options)),
  );
  if (first === undefined || second === undefined) return;
  const changes = diffSpecs(first.package, second.package);
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
  const lines: string[] = [];
  let heading = "";
  for (const { packageName, subject, before, after } of changes) {
    const own = subject === "package" ? "packages" : `${packageName ?? "source"}: ${subject}`;
    if (own !== heading) lines.push(own);
    heading = own;
    for (const line of before?.split("\n") ?? []) lines.push(`  - ${line}`);
    for (const line of after?.split("\n") ?? []) lines.push(`  + ${line}`);
  }
  return lines.join("\n");
}
