import { CleanroomError, type Logger, type Store } from "@cleanroom/core";
import { forbiddenNeeds, readPackageNeeds } from "@cleanroom/rootfs";
import { formatBuildId, ruleName, type StackPackage } from "@cleanroom/spec-strip";
import type { BuildResult } from "./build-result.ts";

/**
 * Checks before a build that its spec asks for nothing that its profiles forbid.
 *
 * @throws {CleanroomError} `spec-forbidden`
 */
export function checkSpec(entry: StackPackage): void {
  const [first, ...others] = entry.forbidden;
  if (first === undefined) return;
  throw new CleanroomError(
    "spec-forbidden",
    [
      `once its profiles are applied, ${entry.name} still asks for what they forbid:`,
      ...[first, ...others].map(
        ({ packageName, kind, dependency, rule }) =>
          `    ${packageName}: ${kind} ${dependency} (${rule})`,
      ),
    ].join("\n"),
    {
      place: first.place,
      exitCode: 2,
      hint: "drop it in the profile, or switch off the condition that it stands under",
    },
  );
}

/**
 * Checks that built packages need nothing that the profiles of their spec forbid. Names that may
 * be given to dlopen(3) are warnings: they stand in programs that ask first whether they are there.
 *
 * @throws {CleanroomError} `build-forbidden`, with every file that needs something
 */
export async function checkBuild(
  store: Store,
  entry: StackPackage,
  result: BuildResult,
  logger: Logger,
): Promise<void> {
  if (entry.forbid.length === 0) return;
  const rules = entry.forbid.map((rule) => ({ name: ruleName(rule), matches: rule.matches }));
  const found = forbiddenNeeds(await readPackageNeeds(store, result.rpms), rules);
  const label = formatBuildId(entry);
  for (const { package: nevra, by, need, rule, how } of found) {
    // Once, when it was built: a person can only look into it then.
    if (how === "names" && result.how === "built") {
      logger.warning(`${label}: ${by} of ${nevra} names ${need}, as for dlopen (${rule})`);
    }
  }
  const needs = found.filter(({ how }) => how === "needs");
  if (needs.length === 0) return;
  throw new CleanroomError(
    "build-forbidden",
    [
      `what was built needs what the profiles of ${entry.name} forbid:`,
      ...needs.map(
        ({ package: nevra, by, need, rule }) => `    ${nevra}: ${by} needs ${need} (${rule})`,
      ),
    ].join("\n"),
    {
      place: { step: `${label}: check` },
      hint: "switch off in the profile what links it; `./cleanroom spec strip --explain` shows what the profile does now",
    },
  );
}
