import { z } from "zod";

/**
 * What is added to, taken from or changed in one imported package, where Debian relies on a
 * maintainer script, an alternative, a diversion or a trigger. Data, not code.
 */
const packageFixupSchema = z.strictObject({
  /** Files to add: absolute path to content. */
  files: z.record(z.string(), z.string()).optional(),
  /** Symbolic links to add: absolute path to target. */
  links: z.record(z.string(), z.string()).optional(),
  /** Files to add as copies of files that the package has: new path to existing path. */
  copies: z.record(z.string(), z.string()).optional(),
  /** Folders to add. */
  folders: z.array(z.string()).optional(),
  provides: z.array(z.string()).optional(),
  requires: z.array(z.string()).optional(),
  /** Run at the end of the transaction that installs the package, before any file trigger. */
  posttrans: z.string().optional(),
  /** File triggers: run once at the end of a transaction that touched files under the paths. */
  triggers: z
    .array(z.strictObject({ paths: z.array(z.string()).min(1), run: z.string() }))
    .optional(),
});

/** specs/base/NAME/base.yaml */
export const baseFileSchema = z.strictObject({
  kind: z.literal("deb"),
  description: z.string().optional(),
  /** In order of preference; `only` limits a suite to packages whose names match a glob. */
  suites: z
    .array(z.strictObject({ name: z.string(), only: z.array(z.string()).min(1).optional() }))
    .min(1),
  arch: z.enum(["x86_64", "aarch64"]),
  /** Debian packages whose tools Cleanroom runs: rpm, dnf, createrepo_c and their closure. */
  tools: z.array(z.string()).min(1),
  /** The Debian package of ccache, where builds are to have one. No build root holds it. */
  compilerCache: z.array(z.string()).default([]),
  /** The Debian packages of rpmlint, where packages are to be linted. No build root holds them. */
  linter: z.array(z.string()).default([]),
  /** The Debian package of libdeflate, for image layers; without it zlib takes several times longer. */
  compressor: z.array(z.string()).default([]),
  /** The Debian packages that compile locales, where images are to have some. No image holds them. */
  locales: z.array(z.string()).default([]),
  /** Packages in every root: what Debian takes for granted ("Essential"). */
  essential: z.array(z.string()).min(1),
  /** Packages in every build root. */
  build: z.array(z.string()).min(1),
  /** Further packages that specs and images may ask for, with all they depend on. */
  packages: z.array(z.string()).default([]),
  /**
   * Profiles of specs/profile whose rules hold for imported packages as for specs: those under
   * `packages` by the name of the Debian package. What they drop of Requires by its plain name, the
   * base does not hold.
   */
  profiles: z.array(z.string()).default([]),
  /**
   * Globs of Debian packages that the base does not hold, whoever depends on them: what the specs
   * build themselves, and what serves Debian alone. Relations to them by name are dropped; ELF and
   * pkg-config dependencies stay, for the specs' own packages to meet.
   */
  exclude: z.array(z.string()).default([]),
  /** RPM macros, as `rpmbuild --define` takes them: the only ones beyond rpm's own. */
  macros: z.record(z.string(), z.string()).default({}),
  fixups: z.record(z.string(), packageFixupSchema).default({}),
});

export type BaseFile = z.output<typeof baseFileSchema>;
export type PackageFixup = z.output<typeof packageFixupSchema>;
