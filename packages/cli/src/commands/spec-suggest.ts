import path from "node:path";
import { readImageFile } from "@cleanroom/image-composer";
import {
  readOutput,
  readRpmNeeds,
  suggestCuts,
  type Suggestion,
  type SuggestionInput,
} from "@cleanroom/rpm-runner";
import type { StackPackage } from "@cleanroom/spec-strip";
import { type GlobalOptions, Session, workspace } from "../session.ts";

/** `spec strip --suggest`: what a profile could still take away from built packages. */
export async function suggest(options: GlobalOptions, given: readonly string[]): Promise<void> {
  const session = new Session(options);
  const names = await session.packageNames(given);
  const { packages } = await session.stack();
  const rpms: SuggestionInput[] = [];
  const missing: string[] = [];
  for (const entry of packages.values()) {
    const built = await builtRpms(session, entry);
    if (built === undefined) missing.push(entry.name);
    else rpms.push(...built);
  }
  if (missing.length > 0) {
    session.logger.warning(`not built yet, so their needs are not known: ${missing.join(", ")}`);
  }
  const images = await session.names("image");
  const wanted = [
    ...(
      await Promise.all(
        images.map((image) => readImageFile(path.join(workspace, "specs/image", image))),
      )
    ).flatMap((image) => image.packages),
    ...[...packages.values()].flatMap(({ model }) => model.buildRequires.map(({ text }) => text)),
  ];
  for (const name of names) {
    const suggestions = suggestCuts(name, rpms, wanted);
    session.print({ name, suggestions }, describe(name, suggestions));
  }
}

async function builtRpms(
  session: Session,
  entry: StackPackage,
): Promise<SuggestionInput[] | undefined> {
  const recorded = await readOutput(path.join(workspace, "dist/rpms"), entry.name);
  if (recorded === undefined) return undefined;
  const needs = await readRpmNeeds(await session.store(), recorded);
  return needs.map((one) => ({
    ...one,
    source: entry.name,
    declared: (entry.model.packages.find(({ name }) => name === one.name)?.requires ?? [])
      .filter(({ place }) => place !== undefined)
      .map(({ text }) => text),
  }));
}

function describe(name: string, suggestions: readonly Suggestion[]): string {
  if (suggestions.length === 0) return `${name}: nothing to suggest`;
  return suggestions
    .map(({ kind, packageName, dependency, sparedBytes, why }) => {
      const size = `${(sparedBytes / 1024 / 1024).toFixed(1)} MiB`;
      const what = kind === "subpackage" ? "subpackage" : `Requires ${dependency}`;
      return `${packageName}: ${what}: ${why} (${size})`;
    })
    .join("\n");
}
