import { existsSync, readFileSync } from "node:fs";
import { type Sha256, type Store, writeFileAtomic } from "@cleanroom/core";
import { type BuildId, formatBuildId } from "@cleanroom/spec-strip";
import type { BuildInputs } from "./build-inputs.ts";

/** What the last run of a build was made of, and what it took. */
export interface BuildHistory {
  /** The id of the build, `name` or `name@stage`. */
  readonly id: string;
  readonly key: Sha256;
  readonly inputs: BuildInputs;
  readonly buildMs: number;
  /** The most memory that it was seen to take; 0 unknown. */
  readonly peakMemoryBytes: number;
}

const version = 2;

function historyFile(store: Store, id: string): string {
  return store.path("history", `${id}.json`);
}

/** Remembers a build. It explains and orders later runs; nothing is ever reused because of it. */
export async function writeHistory(
  store: Store,
  { id, key, inputs, buildMs, peakMemoryBytes }: BuildHistory,
): Promise<void> {
  const text = JSON.stringify({ version, id, key, inputs, buildMs, peakMemoryBytes });
  await writeFileAtomic(historyFile(store, id), text);
}

/** What is remembered of some builds, by id. */
export function readHistory(
  store: Store,
  builds: readonly BuildId[],
): ReadonlyMap<string, BuildHistory> {
  const found = builds.map((build) => readOne(store, formatBuildId(build)));
  return new Map(found.flatMap((one) => (one === undefined ? [] : [[one.id, one]])));
}

function readOne(store: Store, id: string): BuildHistory | undefined {
  const file = historyFile(store, id);
  if (!existsSync(file)) return undefined;
  try {
    const text = readFileSync(file, "utf8");
    const record = JSON.parse(text) as BuildHistory & { version: number };
    return record.version === version ? record : undefined;
  } catch {
    // Whatever damaged it, the next build writes it anew.
    return undefined;
  }
}
