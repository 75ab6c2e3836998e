import { z } from "zod";

const conditions = z.array(z.string()).default([]);

/** A build of the package before its last one: what it switches. */
const stageSchema = z.strictObject({
  /** Build conditions switched on. */
  with: conditions,
  /** Build conditions switched off. */
  without: conditions,
});

/** specs/rpm/NAME/package.yaml: only where there is something to say. */
export const packageFileSchema = z.strictObject({
  /** Names of profiles in specs/profile, applied in this order. */
  profiles: z.array(z.string()).default([]),
  /**
   * Builds on the way to the last one. `bootstrap` is what the packages that the last one needs
   * are built against, where they need this package in turn.
   */
  stages: z.strictObject({ bootstrap: stageSchema.optional() }).prefault({}),
});

export type PackageFile = z.output<typeof packageFileSchema>;
export type PackageStage = z.output<typeof stageSchema>;
