import type { BaseFile } from "@cleanroom/core";
import { droppedNames, type Profile } from "@cleanroom/spec-strip";
import type { PrivateApt } from "./apt.ts";
import type { BaseLock } from "./lock-file.ts";

/**
 * Resolves what base.yaml names to exact packages. The package lists must be up to date.
 *
 * @param profiles those of base.yaml: nothing is locked for a dependency that they drop
 */
export async function lockBase(
  apt: PrivateApt,
  base: BaseFile,
  profiles: readonly Profile[],
): Promise<BaseLock> {
  const packages = await apt.closure(
    [...base.essential, ...base.build, ...base.packages],
    [...base.exclude, ...droppedNames(profiles)],
  );
  const optional = (names: readonly string[]): ReturnType<PrivateApt["closure"]> =>
    names.length === 0 ? Promise.resolve([]) : apt.closure(names);
  return {
    packages,
    tools: await apt.closure(base.tools),
    compilerCache: await optional(base.compilerCache),
    compressor: await optional(base.compressor),
    linter: await optional(base.linter),
    locales: await optional(base.locales),
  };
}
