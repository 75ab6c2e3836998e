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
  /**
   * What its build takes on two processors without a compiler cache: orders builds, and tells how
   * long a run will take, until there is a history of its own.
   */
  buildSeconds: z.number().positive().optional(),
  /**
   * When a new build of it stops there: `content`, when its packages came out the same; `abi`, also
   * when all that builds of its dependents can read of it did.
   */
  cutoff: z.enum(["content", "abi"]).default("content"),
});

export type PackageFile = z.output<typeof packageFileSchema>;
export type PackageStage = z.output<typeof stageSchema>;
