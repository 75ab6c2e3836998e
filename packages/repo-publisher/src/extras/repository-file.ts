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

/** A key of the store, or a command that has the key. */
const signingSchema = z.union([
  z.strictObject({
    /** Name of a key of the store; made when it is not there. */
    key: z.string().min(1),
  }),
  z.strictObject({
    /** Reads what to sign and prints what `gpg --detach-sign --armor` prints. */
    command: z.tuple([z.string().min(1)], z.string()),
    fingerprint: z.string().regex(/^[0-9A-F]{40}$/, "40 upper-case hexadecimal digits"),
    /** File with the public key in ASCII armour, relative to the workspace. */
    publicKey: z.string().min(1),
  }),
]);

/** Old generations go when they are neither among the last nor that young. */
const keepSchema = z.strictObject({
  generations: z.int().min(1).default(5),
  days: z.number().min(0).default(7),
});

/** specs/repository.yaml: how the repository is published, and what it says besides its packages. */
export const repositoryFileSchema = z.strictObject({
  /** `gzip` for clients from before 2019 or so. */
  compression: z.enum(["zstd", "gzip"]).default("zstd"),
  signing: signingSchema.default({ key: "cleanroom" }),
  keep: keepSchema.default({ generations: 5, days: 7 }),
  groups: z.array(groupSchema).default([]),
  updates: z.array(updateSchema).default([]),
});

export type RepositoryFile = z.infer<typeof repositoryFileSchema>;
export type RepositoryExtras = Pick<RepositoryFile, "groups" | "updates">;
export type PackageGroup = z.infer<typeof groupSchema>;
export type Update = z.infer<typeof updateSchema>;
