import { readFileSync, statSync } from "node:fs";
import { glob } from "node:fs/promises";
import path from "node:path";
import { evaluateCandidate, loadMacros } from "./candidate.ts";
import { compare, type Comparison } from "./compare.ts";
import { shellFacts } from "./facts.ts";
import { judge } from "./judge.ts";
import { readOptions, usage } from "./options.ts";
import { report } from "./report.ts";

const options = readOptions(process.argv.slice(2));
if (options === undefined) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  const files: string[] = [];
  for (const root of options.roots.map((one) => path.resolve(one))) {
    if (statSync(root).isFile()) files.push(root);
    else
      for await (const file of glob("**/*.spec", { cwd: root })) files.push(path.join(root, file));
  }
  const { only } = options;
  const chosen = files.filter((file) => only === undefined || file.includes(only)).toSorted();
  const macros = await loadMacros(options);
  const facts = options.hasFacts ? shellFacts(options.system) : {};
  const comparisons: Comparison[] = [];
  const work = chosen.values();
  const worker = async (): Promise<void> => {
    for (const file of work) {
      const bytes = readFileSync(file);
      const verdict = await judge(file, bytes, options);
      comparisons.push(
        compare(file, verdict, evaluateCandidate(file, bytes, macros, options, facts)),
      );
      if (comparisons.length % 200 === 0) {
        process.stderr.write(`${comparisons.length} of ${chosen.length}\n`);
      }
    }
  };
  await Promise.all([worker(), worker()]);
  comparisons.sort((a, b) => (a.file < b.file ? -1 : 1));
  process.stdout.write(report(comparisons, options.show));
}
