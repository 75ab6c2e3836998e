import { createReadStream } from "node:fs";
import {
  CleanroomError,
  type ElfNeeds,
  readElfNeeds,
  type Sha256,
  sha256Json,
  type Store,
} from "@cleanroom/core";
import { openRpmPackage, readPayload } from "rpm-parser";
import type { BuiltRpm } from "./build-result.ts";

/** What a built RPM asks for, and what it is. */
export interface RpmNeeds {
  /** Name of the RPM's file. */
  readonly rpm: string;
  readonly name: string;
  readonly installedBytes: number;
  /** Names of the capabilities that it provides, and the paths of its files. */
  readonly provides: readonly string[];
  /** Capabilities of its header's Requires, each once. */
  readonly requires: readonly string[];
  /** Its ELF files. */
  readonly files: readonly (Pick<ElfNeeds, "needed" | "named"> & { readonly path: string })[];
}

/** Raised when {@link readRpmNeeds} looks at more, or otherwise. */
const needsEpoch = 2;

/** Reads what RPMs of the store ask for; what was read once is taken from the store. */
export async function readRpmNeeds(
  store: Store,
  rpms: readonly BuiltRpm[],
): Promise<readonly RpmNeeds[]> {
  const found: RpmNeeds[] = [];
  for (const { file, sha256 } of rpms) {
    const key = sha256Json({ action: "rpm-needs", epoch: needsEpoch, rpm: sha256 });
    const known = await store.action(key);
    const needs = (known?.facts["needs"] as unknown as NeedsOfBytes) ?? (await read(store, sha256));
    if (known === undefined) {
      await store.putAction(key, { outputs: [], facts: { needs } });
    }
    found.push({ rpm: file, ...needs });
  }
  return found;
}

type NeedsOfBytes = Omit<RpmNeeds, "rpm">;

async function read(store: Store, sha256: Sha256): Promise<NeedsOfBytes> {
  const file = await store.blob(sha256);
  if (file === undefined) throw new CleanroomError("blob-missing", `the store lacks ${sha256}`);
  const rpm = await openRpmPackage(createReadStream(file));
  try {
    const files: RpmNeeds["files"][number][] = [];
    for await (const { file: entry, links, data } of readPayload(rpm)) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of data) {
        if (chunks.length === 0 && !isElf(chunk)) break;
        chunks.push(chunk);
      }
      const needs = chunks.length === 0 ? undefined : readElfNeeds(Buffer.concat(chunks));
      if (needs === undefined) continue;
      const { needed, named } = needs;
      for (const { path } of [entry, ...links]) files.push({ path, needed, named });
    }
    const { header } = rpm;
    const requires = [...new Set(header.requires.map(({ name }) => name))];
    const provides = [
      ...new Set([
        ...header.provides.map(({ name }) => name),
        ...header.files.map(({ path }) => path),
      ]),
    ];
    const { name, installedBytes } = header;
    return {
      name,
      installedBytes,
      provides,
      requires,
      files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    };
  } finally {
    await rpm.close();
  }
}

function isElf(chunk: Uint8Array): boolean {
  return chunk[0] === 0x7f && chunk[1] === 0x45 && chunk[2] === 0x4c && chunk[3] === 0x46;
}
