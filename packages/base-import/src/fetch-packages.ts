import path from "node:path";
import { CleanroomError, type Logger, type Store } from "@cleanroom/core";
import type { PrivateApt } from "./apt.ts";
import type { LockedPackage } from "./lock-file.ts";

/** apt-helper takes its work on the command line, whose length has an end. */
const filesPerCall = 100;

/**
 * Brings locked .debs into the store; those already there cost nothing.
 *
 * @throws {CleanroomError} `mirror-lost-file`, `digest-mismatch`
 */
export async function fetchPackages(
  store: Store,
  apt: () => Promise<PrivateApt>,
  packages: readonly LockedPackage[],
  logger: Logger,
): Promise<void> {
  const missing: LockedPackage[] = [];
  for (const entry of new Map(packages.map((entry) => [entry.sha256, entry])).values()) {
    if (!(await store.hasBlob(entry.sha256, entry.size))) missing.push(entry);
  }
  if (missing.length === 0) return;
  const megabytes = missing.reduce((sum, { size }) => sum + size, 0) / 1e6;
  logger.info(`fetching ${missing.length} base packages (${megabytes.toFixed(0)} MB)`);
  const mirror = await apt();
  for (let start = 0; start < missing.length; start += filesPerCall) {
    const part = missing.slice(start, start + filesPerCall);
    await store.withTemporaryFolder("debs", async (folder) => {
      const target = ({ sha256 }: LockedPackage): string => path.join(folder, sha256);
      await mirror.fetch(
        part.map((entry) => ({ uri: entry.path, sha256: entry.sha256, target: target(entry) })),
      );
      for (const entry of part) {
        const { sha256 } = await store.putFile(target(entry));
        if (sha256 === entry.sha256) continue;
        throw new CleanroomError(
          "digest-mismatch",
          `${entry.path} has sha256 ${sha256}, but ${entry.sha256} is locked`,
          { place: { step: `fetch ${entry.name}` } },
        );
      }
    });
  }
}
