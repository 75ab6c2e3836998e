import { z } from "zod";

/** specs/rpm/NAME/package.yaml: only where there is something to say. */
export const packageFileSchema = z.strictObject({
  /** Names of profiles in specs/profile, applied in this order. */
  profiles: z.array(z.string()).default([]),
});

export type PackageFile = z.output<typeof packageFileSchema>;
