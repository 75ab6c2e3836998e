import { createReadStream } from "node:fs";
import {
  CleanroomError,
  type ElfNeeds,
  type Json,
  readElfNeeds,
  type Sha256,
  sha256Json,
  type Store,
} from "@cleanroom/core";
import { openRpmPackage, readPayload } from "rpm-parser";

/** What a package asks for, and what it is. */
export interface PackageNeeds {
  /** `name-[epoch:]version-release.arch` */
  readonly nevra: string;
  readonly name: string;
  readonly installedBytes: number;
  /** Names of the capabilities that it provides, and the paths of its files. */
  readonly provides: readonly string[];
  /** Its header's Requires as rpm writes them, each once. */
  readonly requires: readonly string[];
  /** Its ELF files. */
  readonly files: readonly (Pick<ElfNeeds, "needed" | "named"> & { readonly path: string })[];
}

/** Raised when {@link readPackageNeeds} looks at more, or otherwise. */
const needsEpoch = 3;

/** Reads what packages of the store ask for; what was read once is taken from the store. */
export async function readPackageNeeds(
  store: Store,
  packages: readonly { readonly sha256: Sha256 }[],
): Promise<readonly PackageNeeds[]> {
  const found: PackageNeeds[] = [];
  for (const { sha256 } of packages) {
    const key = sha256Json({ action: "package-needs", epoch: needsEpoch, rpm: sha256 });
    const known = await store.action(key);
    const needs = (known?.facts["needs"] as unknown as PackageNeeds) ?? (await read(store, sha256));
    if (known === undefined) {
      await store.putAction(key, { outputs: [], facts: { needs: needs as unknown as Json } });
    }
    found.push(needs);
  }
  return found;
}

async function read(store: Store, sha256: Sha256): Promise<PackageNeeds> {
  const file = await store.blob(sha256);
  if (file === undefined) throw new CleanroomError("blob-missing", `the store lacks ${sha256}`);
  const rpm = await openRpmPackage(createReadStream(file));
  try {
    const files: PackageNeeds["files"][number][] = [];
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
    const requires = [...new Set(header.requires.map(({ text }) => text))];
    const provides = [
      ...new Set([
        ...header.provides.map(({ name }) => name),
        ...header.files.map(({ path }) => path),
      ]),
    ];
    const { nevra, name, installedBytes } = header;
    return {
      nevra,
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
