import { readFile } from "node:fs/promises";
import { isMissingFile, type Sha256, type Store, writeFileAtomic } from "@cleanroom/core";
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
  if ((await readOne(store, id))?.key === key) return;
  const text = JSON.stringify({ version, id, key, inputs, buildMs, peakMemoryBytes });
  await writeFileAtomic(historyFile(store, id), text);
}

/** What is remembered of some builds, by id. */
export async function readHistory(
  store: Store,
  builds: readonly BuildId[],
): Promise<ReadonlyMap<string, BuildHistory>> {
  const found = await Promise.all(builds.map((build) => readOne(store, formatBuildId(build))));
  return new Map(found.flatMap((one) => (one === undefined ? [] : [[one.id, one]])));
}

async function readOne(store: Store, id: string): Promise<BuildHistory | undefined> {
  let text: string;
  try {
    text = await readFile(historyFile(store, id), "utf8");
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw error;
  }
  try {
    const record = JSON.parse(text) as BuildHistory & { version: number };
    return record.version === version ? record : undefined;
  } catch {
    // Whatever damaged it, the next build writes it anew.
    return undefined;
  }
}
