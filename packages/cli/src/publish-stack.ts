import { type Generation, publish } from "@cleanroom/repo-publisher";
import { buildPackages, type BuildResult } from "@cleanroom/rpm-runner";
import { CleanroomError } from "@cleanroom/core";
import type { Session } from "./session.ts";

/**
 * Builds packages (all when none are named) with all that they need, and publishes exactly those
 * as a signed generation.
 */
export async function buildAndPublish(
  session: Session,
  names: readonly string[],
): Promise<{ readonly results: readonly BuildResult[]; readonly generation: Generation }> {
  const context = await session.runnerContext();
  const { store, tools, logger } = context;
  const results = await buildPackages(context, await session.packageNames(names));
  const packages = [];
  for (const { sha256, file: fileName } of results.flatMap(({ rpms }) => rpms)) {
    const file = await store.blob(sha256);
    if (file === undefined) {
      throw new CleanroomError("blob-missing", `the store lacks ${fileName} (${sha256})`, {
        place: { step: "publish" },
        hint: "run the command again: it will be built anew",
      });
    }
    packages.push({ file, sha256 });
  }
  const generation = await publish({ store, tools, logger, packages });
  return { results, generation };
}
