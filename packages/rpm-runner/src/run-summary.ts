import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describeDuration, isMissingFile, writeFileAtomic } from "@cleanroom/core";
import { formatBuildId } from "@cleanroom/spec-strip";
import type { BuildResult } from "./build-result.ts";

/** What a run came to. */
export interface RunSummary {
  readonly builds: readonly {
    /** `name` or `name:stage`. */
    readonly id: string;
    readonly how: BuildResult["how"] | "failed" | "skipped";
    /** What its build took, when it last ran; 0 where it never did. */
    readonly buildMs: number;
  }[];
  /** Of the whole run. */
  readonly wallMs: number;
  /** What the builds that did not have to run took when they ran last, added up. */
  readonly savedMs: number;
}

export function summarizeRun(
  results: ReadonlyMap<string, BuildResult>,
  others: ReadonlyMap<string, "failed" | "skipped">,
  wallMs: number,
): RunSummary {
  const done = [...results.values()];
  return {
    builds: [
      ...done.map((result) => ({
        id: formatBuildId(result),
        how: result.how,
        buildMs: result.buildMs,
      })),
      ...[...others].map(([id, how]) => ({ id, how, buildMs: 0 })),
    ],
    wallMs: Math.round(wallMs),
    savedMs: done.reduce((sum, { how, buildMs }) => sum + (how === "built" ? 0 : buildMs), 0),
  };
}

const version = 1;

function summaryFile(outputFolder: string): string {
  return path.join(path.dirname(outputFolder), "last-run.json");
}

/** Remembers a run beside its outputs. */
export async function writeRunSummary(outputFolder: string, summary: RunSummary): Promise<void> {
  await mkdir(path.dirname(outputFolder), { recursive: true });
  await writeFileAtomic(summaryFile(outputFolder), JSON.stringify({ version, ...summary }));
}

/** The last run with this output folder; undefined before the first. */
export async function readRunSummary(outputFolder: string): Promise<RunSummary | undefined> {
  try {
    const record = JSON.parse(await readFile(summaryFile(outputFolder), "utf8")) as RunSummary & {
      version: number;
    };
    return record.version === version ? record : undefined;
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
}

/** A run in words: first one line, then what was built and what was cut off. */
export function describeRun({ builds, wallMs, savedMs }: RunSummary): string {
  const count = (how: string): number => builds.filter((build) => build.how === how).length;
  const parts = [
    `${count("built")} built`,
    `${count("cut-off")} cut off`,
    `${count("cached")} cached`,
    ...(["failed", "skipped"] as const).flatMap((how) =>
      count(how) === 0 ? [] : [`${count(how)} ${how}`],
    ),
  ];
  const saved = savedMs === 0 ? "" : `, ${describeDuration(savedMs)} of building saved`;
  return `${parts.join(", ")} in ${describeDuration(wallMs)}${saved}`;
}
