import { parseArgs } from "node:util";
import type { RpmDialect } from "rpm-parser";

/** What to measure, and against what. */
export interface CorpusOptions {
  /** Folders or files. */
  readonly roots: readonly string[];
  /** The folder that holds the judge: `/`, or another system's root. */
  readonly system: string;
  /** As rpm's `--macros`, for both sides; undefined: the judge's own. */
  readonly macroPath: string | undefined;
  readonly defines: Readonly<Record<string, string>>;
  readonly dialect: RpmDialect;
  /** `run` in a sandbox, `emulate`, or `deny`. */
  readonly shell: "run" | "emulate" | "deny";
  /** Whether `emulate` is told what the judge's system is like. */
  readonly hasFacts: boolean;
  /** Where the judge's answers are kept. */
  readonly cache: string;
  /** How many differences to show in full. */
  readonly show: number;
  /** Look at specs whose path holds this. */
  readonly only: string | undefined;
}

export const usage = `Usage: node tools/spec-corpus/src/main.ts [options] FOLDER|FILE...

Compares rpm-parser with rpmspec on every *.spec and prints what is equal.

  --macros PATH:PATH...   macro files for both sides (default: rpm's own)
  --define 'NAME BODY'    may be given more than once
  --rpm 4.18|4.20         which rpm the judge is (default 4.18)
  --root DIR              another system's root with the judge in it; FOLDERs must be under /tmp
  --shell run|emulate|deny
  --no-facts              with emulate: without asking the judge's system what it is like
  --cache DIR             keep the judge's answers (default /tmp/spec-corpus)
  --show N                print N differences in full
  --only TEXT             only specs whose path holds TEXT
`;

export function readOptions(words: readonly string[]): CorpusOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      macros: { type: "string" },
      define: { type: "string", multiple: true },
      rpm: { type: "string", default: "4.18" },
      root: { type: "string", default: "/" },
      shell: { type: "string", default: "run" },
      "no-facts": { type: "boolean", default: false },
      cache: { type: "string", default: "/tmp/spec-corpus" },
      show: { type: "string", default: "0" },
      only: { type: "string" },
    },
  });
  if (positionals.length === 0) return undefined;
  const defines = (values.define ?? []).map((text): [string, string] => {
    const [name = "", ...body] = text.split(" ");
    return [name, body.join(" ")];
  });
  return {
    roots: positionals,
    system: values.root,
    macroPath: values.macros,
    defines: Object.fromEntries(defines),
    dialect: values.rpm === "4.20" ? "4.20" : "4.18",
    shell: values.shell === "deny" ? "deny" : values.shell === "emulate" ? "emulate" : "run",
    hasFacts: !values["no-facts"],
    cache: values.cache,
    show: Number(values.show),
    only: values.only,
  };
}
