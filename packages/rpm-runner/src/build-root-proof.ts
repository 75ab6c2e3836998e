import { createReadStream } from "node:fs";
import { type Json, type Logger, mapConcurrent, sha256Json, type Store } from "@cleanroom/core";
import { type Closure, nevraOf } from "@cleanroom/rootfs";
import { readRpmHeader } from "rpm-parser";
import { formatBuildId, type ForbidRule, ruleName, type StackPackage } from "@cleanroom/spec-strip";

/** A package of a build root that supplies what a profile forbids. */
interface ForbiddenSupply {
  readonly package: string;
  readonly capability: string;
  readonly rule: string;
}

/** Headers read at once. */
const readers = 4;

/**
 * Warns of packages in a build root that supply what the profiles of the spec forbid. What is built
 * need not use them, and whether it does is for the proof after the build to say; but what is not
 * there cannot be used.
 */
export async function checkBuildRoot(
  store: Store,
  entry: StackPackage,
  closure: Closure,
  logger: Logger,
): Promise<void> {
  if (entry.forbid.length === 0) return;
  const forbid = entry.forbid.map((rule) => ruleName(rule));
  const key = sha256Json({ action: "build-root-check", epoch: 1, closure: closure.digest, forbid });
  const known = await store.action(key);
  const found =
    (known?.facts["found"] as unknown as readonly ForbiddenSupply[]) ??
    (await findSupplies(store, closure, entry.forbid));
  if (known === undefined) {
    await store.putAction(key, { outputs: [], facts: { found: found as unknown as Json } });
  }
  for (const { package: nevra, capability, rule } of found) {
    const label = formatBuildId(entry);
    logger.warning(
      `${label}: its build root holds ${nevra}, which provides ${capability} (${rule})`,
    );
  }
}

async function findSupplies(
  store: Store,
  closure: Closure,
  rules: readonly ForbidRule[],
): Promise<readonly ForbiddenSupply[]> {
  const found = await mapConcurrent(closure.packages, readers, async (entry) => {
    const file = await store.blob(entry.sha256);
    if (file === undefined) return [];
    const { provides } = await readRpmHeader(createReadStream(file));
    for (const { name } of provides) {
      const rule = rules.find(({ matches }) => matches({ name }));
      if (rule !== undefined) {
        return [{ package: nevraOf(entry), capability: name, rule: ruleName(rule) }];
      }
    }
    return [];
  });
  return found.flat();
}
