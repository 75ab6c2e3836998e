import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { CorpusOptions } from "./options.ts";
import { runSandboxed } from "./sandbox.ts";

/** What the real rpmspec says about a spec. */
export interface Verdict {
  readonly isAccepted: boolean;
  /** What it printed to standard error. */
  readonly errors: string;
  /** `rpmspec -P`. */
  readonly expanded: string;
  readonly nevras: readonly string[];
  readonly requires: readonly string[];
  readonly provides: readonly string[];
  readonly buildRequires: readonly string[];
}

const query = [
  "N %{NEVRA}\\n",
  "[R %{=NAME} %{REQUIRENEVRS}\\n]",
  "[P %{=NAME} %{PROVIDENEVRS}\\n]",
].join("");

const timeoutMs = 60_000;

/** Asks rpmspec, or the cache of earlier answers for the same bytes and macros. */
export async function judge(
  file: string,
  bytes: Uint8Array,
  options: CorpusOptions,
): Promise<Verdict> {
  const key = createHash("sha256")
    .update(JSON.stringify([3, file, options.system, options.macroPath, options.defines]))
    .update(bytes)
    .digest("hex");
  const cached = path.join(options.cache, `${key}.json`);
  try {
    return JSON.parse(readFileSync(cached, "utf8")) as Verdict;
  } catch {
    // Not asked before.
  }
  const verdict = await ask(file, options);
  mkdirSync(options.cache, { recursive: true });
  writeFileSync(cached, JSON.stringify(verdict));
  return verdict;
}

async function ask(file: string, options: CorpusOptions): Promise<Verdict> {
  const common = [
    "rpmspec",
    ...(options.macroPath === undefined ? [] : ["--macros", options.macroPath]),
    ...Object.entries(definesFor(file, options)).flatMap(([name, body]) => [
      "--define",
      `${name} ${body}`,
    ]),
  ];
  const expanded = await runSandboxed(options.system, [...common, "-P", file], timeoutMs);
  if (expanded.status !== 0) {
    return {
      isAccepted: false,
      errors: expanded.errors,
      expanded: "",
      nevras: [],
      requires: [],
      provides: [],
      buildRequires: [],
    };
  }
  const binary = await runSandboxed(
    options.system,
    [...common, "-q", "--qf", query, file],
    timeoutMs,
  );
  const source = await runSandboxed(
    options.system,
    [...common, "-q", "--buildrequires", file],
    timeoutMs,
  );
  const lines = binary.output.split("\n");
  const tagged = (tag: string): string[] =>
    lines.filter((line) => line.startsWith(`${tag} `)).map((line) => line.slice(2));
  return {
    isAccepted: binary.status === 0 && source.status === 0,
    errors: expanded.errors,
    expanded: expanded.output,
    nevras: tagged("N"),
    requires: tagged("R"),
    provides: tagged("P"),
    buildRequires: source.output.split("\n").filter((line) => line !== ""),
  };
}

/** What both sides define for a spec: its folder is where its sources are. */
export function definesFor(file: string, options: CorpusOptions): Readonly<Record<string, string>> {
  return { _sourcedir: path.dirname(file), ...options.defines };
}
