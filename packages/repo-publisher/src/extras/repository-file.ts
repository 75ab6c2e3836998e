import { z } from "zod";

const packageNames = z.array(z.string().min(1)).min(1);

/** A group of packages, as `dnf group list` shows it. */
const groupSchema = z.strictObject({
  id: z.string().regex(/^[\w.+-]+$/, "letters, digits, and . _ + - only"),
  name: z.string(),
  description: z.string().default(""),
  packages: packageNames,
});

/** An advisory, as `dnf updateinfo` shows it. */
const updateSchema = z.strictObject({
  id: z.string().min(1),
  type: z.enum(["security", "bugfix", "enhancement", "newpackage"]),
  severity: z.enum(["Low", "Moderate", "Important", "Critical"]).optional(),
  /** Day of issue. */
  issued: z.iso.date(),
  title: z.string(),
  /** The newest changelog entry of the first package when absent. */
  description: z.string().optional(),
  references: z.array(z.strictObject({ id: z.string(), url: z.url() })).default([]),
  /** Names of packages or of source packages: all packages of these that are published. */
  packages: packageNames,
});

/** What a repository says besides its packages; people write it as YAML. */
export const repositoryFileSchema = z.strictObject({
  groups: z.array(groupSchema).default([]),
  updates: z.array(updateSchema).default([]),
});

export type RepositoryFile = z.infer<typeof repositoryFileSchema>;
export type PackageGroup = z.infer<typeof groupSchema>;
export type Update = z.infer<typeof updateSchema>;
