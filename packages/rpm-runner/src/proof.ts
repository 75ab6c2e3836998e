import { CleanroomError, type Logger, type Store } from "@cleanroom/core";
import { formatBuildId, type ForbidRule, ruleName, type StackPackage } from "@cleanroom/spec-strip";
import type { BuildResult } from "./build-result.ts";
import { readRpmNeeds, type RpmNeeds } from "./rpm-needs.ts";

/** Something that a package asks for although a profile forbids it. */
export interface ForbiddenNeed {
  readonly rpm: string;
  /** What asks for it: the path of an ELF file, or `Requires`. */
  readonly by: string;
  /** What it asks for. */
  readonly need: string;
  /** The rule, as reports name it. */
  readonly rule: string;
  /** `needs`: it cannot do without. `names`: its strings hold the name, as for dlopen(3). */
  readonly how: "needs" | "names";
}

/**
 * What built packages ask for against rules: NEEDED entries of ELF files, then the Requires of
 * headers that no such entry explains, then names among the strings of ELF files.
 */
export function forbiddenNeeds(
  packages: readonly RpmNeeds[],
  rules: readonly ForbidRule[],
): ForbiddenNeed[] {
  const ruleFor = (name: string): string | undefined => {
    const rule = rules.find(({ matches }) => matches({ name }));
    return rule === undefined ? undefined : ruleName(rule);
  };
  const judge = (
    rpm: string,
    by: string,
    how: ForbiddenNeed["how"],
    names: readonly string[],
  ): ForbiddenNeed[] =>
    names.flatMap((need) => {
      const rule = ruleFor(need);
      return rule === undefined ? [] : [{ rpm, by, need, rule, how }];
    });
  return packages.flatMap(({ rpm, files, requires }) => {
    const needed = files.flatMap((file) => judge(rpm, file.path, "needs", file.needed));
    const explained = new Set(needed.map(({ need }) => need));
    // libX11.so.6()(64bit) comes of libX11.so.6.
    const others = requires.filter((name) => !explained.has(name.replace(/\(.*$/, "")));
    return [
      ...needed,
      ...judge(rpm, "Requires", "needs", others),
      ...files.flatMap((file) => judge(rpm, file.path, "names", file.named)),
    ];
  });
}

/**
 * Checks before a build that its spec asks for nothing that its profiles forbid.
 *
 * @throws {CleanroomError} `spec-forbidden`
 */
export function checkSpec(entry: StackPackage): void {
  const [first, ...others] = entry.strip.forbidden;
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
  const found = forbiddenNeeds(await readRpmNeeds(store, result.rpms), entry.forbid);
  const label = formatBuildId(entry);
  for (const { rpm, by, need, rule, how } of found) {
    // Once, when it was built: a person can only look into it then.
    if (how === "names" && result.how === "built") {
      logger.warning(`${label}: ${by} of ${rpm} names ${need}, as for dlopen (${rule})`);
    }
  }
  const needs = found.filter(({ how }) => how === "needs");
  if (needs.length === 0) return;
  throw new CleanroomError(
    "build-forbidden",
    [
      `what was built needs what the profiles of ${entry.name} forbid:`,
      ...needs.map(({ rpm, by, need, rule }) => `    ${rpm}: ${by} needs ${need} (${rule})`),
    ].join("\n"),
    {
      place: { step: `${label}: check` },
      hint: "switch off in the profile what links it; `./cleanroom spec strip --explain` shows what the profile does now",
    },
  );
}
