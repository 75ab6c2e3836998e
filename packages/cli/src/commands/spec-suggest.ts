import path from "node:path";
import { readImageFile } from "@cleanroom/image-composer";
import {
  readBasePackages,
  readBuildTrace,
  readOutput,
  suggestBuildRequires,
  suggestCuts,
  type Suggestion,
  type SuggestionInput,
} from "@cleanroom/rpm-runner";
import { readPackageNeeds } from "@cleanroom/rootfs";
import type { StackPackage } from "@cleanroom/spec-strip";
import { type GlobalOptions, outputFolder, Session, workspace } from "../session.ts";

/** `spec strip --suggest`: what a profile could still take away from built packages. */
export async function suggest(options: GlobalOptions, given: readonly string[]): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(given);
  const { packages } = await session.stack();
  const base = await session.base();
  const store = await session.store();
  const rpms: SuggestionInput[] = [...(await readBasePackages(base.repository))];
  const missing: string[] = [];
  for (const entry of packages.values()) {
    const built = await builtRpms(session, entry);
    if (built === undefined) missing.push(entry.name);
    else rpms.push(...built);
  }
  if (missing.length > 0) {
    session.logger.warning(`not built yet, so their needs are not known: ${missing.join(", ")}`);
  }
  const always = [...base.file.essential, ...base.file.build];
  const entries = [...packages.values()];
  const wanted = {
    images: await wantedByImages(session),
    builds: [
      ...always,
      ...entries.flatMap(({ model }) => model.buildRequires.map(({ text }) => text)),
    ],
  };
  for (const entry of entries.filter(({ name }) => names.includes(name))) {
    const { name } = entry;
    const trace = await readBuildTrace(store, entry, always);
    if (trace === undefined && !missing.includes(name)) {
      session.logger.warning(
        `${name}: what its last build opened is not known, so nothing is said of its BuildRequires; the next build in this store tells`,
      );
    }
    const suggestions = [
      ...(trace === undefined ? [] : suggestBuildRequires(trace)),
      ...suggestCuts(name, rpms, wanted),
    ].toSorted((a, b) => b.sparedBytes - a.sparedBytes);
    session.print({ name, suggestions }, describe(name, suggestions));
  }
}

async function wantedByImages(session: Session): Promise<string[]> {
  const images = await session.names("image");
  const files = await Promise.all(
    images.map((image) => readImageFile(path.join(workspace, "specs/image", image))),
  );
  return files.flatMap((image) => image.packages);
}

async function builtRpms(
  session: Session,
  entry: StackPackage,
): Promise<SuggestionInput[] | undefined> {
  const recorded = await readOutput(outputFolder, entry.name);
  if (recorded === undefined) return undefined;
  const needs = await readPackageNeeds(await session.store(), recorded);
  return needs.map((one) => ({
    ...one,
    source: entry.name,
    declared: (entry.model.packages.find(({ name }) => name === one.name)?.requires ?? [])
      .filter(({ place }) => place !== undefined)
      .map(({ text }) => text),
  }));
}

const tags = { requires: "Requires", buildRequires: "BuildRequires" } as const;

function describe(name: string, suggestions: readonly Suggestion[]): string {
  if (suggestions.length === 0) return `${name}: nothing to suggest`;
  return suggestions
    .map(({ kind, packageName, dependency, sparedBytes, sparedFrom, why }) => {
      const size = `${(sparedBytes / 1024 / 1024).toFixed(1)} MiB of the ${sparedFrom}`;
      const what = kind === "subpackage" ? "subpackage" : `${tags[kind]} ${dependency}`;
      return `${packageName}: ${what}: ${why} (${size})`;
    })
    .join("\n");
}
