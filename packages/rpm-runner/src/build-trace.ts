import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { mapConcurrent, type Sha256, type Store } from "@cleanroom/core";
import { readRpmHeader, type RpmFile, type RpmHeader } from "rpm-parser";
import { readPackageNeeds } from "@cleanroom/rootfs";
import type { StackPackage } from "@cleanroom/spec-strip";
import { openedFilesName } from "./build-result.ts";
import { readHistory } from "./history.ts";
import type { SuggestionInput } from "./suggest.ts";
import type { BuildTrace, RootPackage } from "./suggest-build-requires.ts";

/** Headers read at once. */
const readers = 4;

/**
 * What the last build of a package had in its root and opened of it.
 *
 * @param always what every build root holds
 * @returns undefined when it was not built yet, when nobody could watch, or when the store no
 *   longer has what it was built with
 */
export async function readBuildTrace(
  store: Store,
  entry: StackPackage,
  always: readonly string[],
): Promise<BuildTrace | undefined> {
  const build = { name: entry.name, stage: undefined };
  const last = readHistory(store, [build]).get(entry.name);
  const action = last === undefined ? undefined : await store.action(last.key);
  const list = action?.outputs.find(({ name }) => name === openedFilesName);
  const file = list === undefined ? undefined : await store.blob(list.sha256);
  if (last === undefined || action === undefined || file === undefined) return undefined;
  const digests = Object.values(last.inputs.packages).map(({ sha256 }) => sha256);
  const packages = await readRootPackages(store, digests);
  if (packages === undefined) return undefined;
  const rpms = action.outputs.flatMap(({ name, sha256, size }) =>
    name.endsWith(".rpm") ? [{ file: name, sha256, size }] : [],
  );
  return {
    name: entry.name,
    buildRequires: entry.model.buildRequires.map(({ text }) => text),
    always,
    packages,
    opened: new Set((await readFile(file, "utf8")).split("\n")),
    needed: new Set((await readPackageNeeds(store, rpms)).flatMap(({ requires }) => requires)),
  };
}

/** Packages in the order of their digests; undefined when the store does not have them all. */
export async function readRootPackages(
  store: Store,
  digests: readonly Sha256[],
): Promise<readonly RootPackage[] | undefined> {
  const headers = await mapConcurrent(digests, readers, async (sha256) => {
    const file = await store.blob(sha256);
    return file === undefined ? undefined : readRpmHeader(createReadStream(file));
  });
  const found = headers.filter((header) => header !== undefined);
  if (found.length < headers.length) return undefined;
  const realPath = realPaths(found.flatMap(({ files }) => files));
  return found.map((header) => ({
    ...graphPackage(header),
    files: header.files.flatMap((one) => (one.type === "file" ? [realPath(one.path)] : [])),
  }));
}

/** The packages of an imported base, to whose specs nobody can put a profile. */
export async function readBasePackages(repository: string): Promise<readonly SuggestionInput[]> {
  const folder = path.join(repository, "Packages");
  return mapConcurrent((await readdir(folder)).toSorted(), readers, async (file) => {
    const header = await readRpmHeader(createReadStream(path.join(folder, file)));
    return { ...graphPackage(header), source: undefined, declared: [] };
  });
}

function graphPackage({
  name,
  installedBytes,
  provides,
  requires,
  files,
}: RpmHeader): Omit<RootPackage, "files"> {
  return {
    name,
    installedBytes,
    provides: [...provides.map((one) => one.name), ...files.map((one) => one.path)],
    requires: requires.map((one) => one.text),
  };
}

/** How deep a chain of symbolic links may go, as in Linux. */
const linkLimit = 40;

/**
 * Where files really are in a root that holds some packages, once links among its folders are
 * followed: `/lib/x` is `/usr/lib/x` where a package has the link `/lib`.
 */
export function realPaths(
  files: readonly Pick<RpmFile, "path" | "type" | "linkTarget">[],
): (file: string) => string {
  const links = new Map<string, string>();
  for (const { path: link, type, linkTarget } of files) {
    if (type === "symlink") links.set(link, linkTarget);
  }
  const known = new Map<string, string>([["/", "/"]]);
  const realFolder = (folder: string, depth: number): string => {
    const found = known.get(folder);
    if (found !== undefined) return found;
    const { dir, base } = path.posix.parse(folder);
    const here = path.posix.join(realFolder(dir, depth), base);
    const target = links.get(here) ?? links.get(folder);
    const real =
      target === undefined || depth > linkLimit
        ? here
        : realFolder(path.posix.resolve(path.posix.dirname(here), target), depth + 1);
    known.set(folder, real);
    return real;
  };
  return (file) => {
    const { dir, base } = path.posix.parse(file);
    return path.posix.join(realFolder(dir, 0), base);
  };
}
