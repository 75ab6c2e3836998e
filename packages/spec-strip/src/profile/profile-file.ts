import { z } from "zod";

/**
 * A glob over capabilities, package names or paths, with the reason where it has one of its own:
 * `pkgconfig(x11)`, `libX11*`, `gtk3 < 3.20`, `{ match: "*-doc", because: "nobody reads it there" }`.
 * Several globs in one are names of one thing, any of which may be found.
 */
const patternSchema = z.union([
  z.string().min(1),
  z.strictObject({
    match: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    because: z.string().min(1),
  }),
]);

const patternsSchema = z.array(patternSchema).default([]);

const switchSchema = z.union([z.boolean(), z.enum(["on", "off"])]);

/** Options of a build system by name. `null` takes an option out. */
const optionsSchema = z.record(
  z.string(),
  z.union([z.boolean(), z.string(), z.number(), z.null()]),
);

/** What a profile does to every spec, or under `packages` to the one that is named. */
const rulesSchema = {
  drop: z
    .strictObject({
      /** Dependencies of every kind, by capability. One arm of `(a or b)` goes alone. */
      dependencies: patternsSchema,
      /** Those of one kind. */
      buildRequires: patternsSchema,
      requires: patternsSchema,
      recommends: patternsSchema,
      suggests: patternsSchema,
      supplements: patternsSchema,
      enhances: patternsSchema,
      /** Subpackages by full name, with all that refers to them and the files they had. */
      subpackages: patternsSchema,
      /** `post`, or `gtk3-devel:post` for that of one subpackage. */
      scriptlets: patternsSchema,
    })
    .prefault({}),
  filter: z
    .strictObject({
      /** Dependencies that rpm's generators shall not write. */
      autoRequires: patternsSchema,
      autoProvides: patternsSchema,
      /** Paths that leave `%files` and the build; `**` goes through folders. */
      files: patternsSchema,
    })
    .prefault({}),
  /**
   * Translations that a spec lists as plain files are found by `%find_lang` instead, which marks each
   * with its language, so that an image can choose. A name, for one package: those of that name,
   * whether the spec lists them or not.
   */
  findLang: z.union([z.boolean(), z.string().regex(/^[\w.+-]+$/)]).default(false),
  /** Build conditions, as `%bcond` declares them. */
  bcond: z.record(z.string(), switchSchema).default({}),
  /** Macros that every spec defines, before all else: name to body, on one line. */
  macros: z.record(z.string(), z.string().regex(/^[^\n]*$/, "expected one line")).default({}),
  /**
   * Options of the build system, by name without `-D` or `--`. For every spec: set where the spec
   * sets them. For one package: set, whether it did or not.
   */
  meson: optionsSchema.default({}),
  cmake: optionsSchema.default({}),
  /** `enable-x`, `with-x` (true, false or a value), or any other option by its own name. */
  autotools: optionsSchema.default({}),
};

/** specs/profile/NAME.yaml: a named set of strip rules. */
export const profileFileSchema = z.strictObject({
  description: z.string().min(1),
  /** Profiles whose rules come first. */
  inherits: z.array(z.string()).default([]),
  /** Capabilities that neither a stripped spec nor a built package may ask for. */
  forbid: patternsSchema,
  ...rulesSchema,
  /** Rules for single packages, by the spec's Name. Each must find something to do. */
  packages: z.record(z.string(), z.strictObject(rulesSchema)).default({}),
});

export type ProfileFile = z.output<typeof profileFileSchema>;
export type PackageRules = ProfileFile["packages"][string];
export type ProfilePattern = z.output<typeof patternSchema>;
export type OptionValue = string | number | boolean | null;
