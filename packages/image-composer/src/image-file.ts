import path from "node:path";
import { readYamlFile } from "@cleanroom/core";
import { z } from "zod";
import { sizeSchema } from "./sizes.ts";

const absolutePath = z
  .string()
  .regex(/^\/[^\0]*$/, "expected an absolute path")
  .refine((text) => !text.split("/").includes(".."), "must not contain ..");

const accountName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "expected a user name: a-z, 0-9, _ and -");

const numericId = z.int().min(0).max(0xff_ff_ff_fe);

const modeSchema = z.string().regex(/^[0-7]{3,4}$/, 'expected an octal mode such as "0755"');

const accountSchema = z.strictObject({
  uid: numericId,
  /** Of the group of the same name; the uid when absent. */
  gid: numericId.optional(),
  /** Made in the image, owned by the account; none when absent. */
  home: absolutePath.optional(),
  shell: absolutePath.default("/usr/sbin/nologin"),
  comment: z
    .string()
    .regex(/^[^:\n]*$/, "must not contain a colon")
    .default(""),
  /** Further groups, which must be there. */
  groups: z.array(accountName).default([]),
});

const ownerFields = {
  mode: modeSchema.optional(),
  /** Name of an account; `root` when absent. */
  user: accountName.default("root"),
  group: accountName.optional(),
};

const fileSchema = z
  .strictObject({
    content: z.string().optional(),
    /** Target of a symbolic link. */
    link: z.string().min(1).optional(),
    ...ownerFields,
  })
  .refine(({ content, link }) => content === undefined || link === undefined, {
    message: "content and link exclude each other",
  });

const policySchema = z.strictObject({
  forbid: z
    .strictObject({
      /** Globs of package names. */
      packages: z.array(z.string()).default([]),
      /** Globs of Requires and Provides, such as `libX11.so*`. */
      capabilities: z.array(z.string()).default([]),
      /** Globs of paths. */
      files: z.array(z.string()).default([]),
      /** Files with the setuid or setgid bit. */
      setuid: z.boolean().default(false),
      /** Globs of a package's License. */
      licenses: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** Names of specs/profile: nothing in the image may need what they forbid. */
  profiles: z.array(z.string()).default([]),
  /** Exceptions, also from the rules that hold for every image. */
  allow: z
    .strictObject({
      packages: z.array(z.string()).default([]),
      files: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** Unpacked. */
  size: sizeSchema.optional(),
});

/** specs/image/NAME/image.yaml. What is in `files/` beside it is copied into the image's root. */
export const imageFileSchema = z.strictObject({
  description: z.string().optional(),
  /** Name of the base (specs/base/NAME) that supplies what no spec builds. */
  base: z.string(),
  /** Capabilities, as in Requires. Nothing else is installed than what these need. */
  packages: z.array(z.string()).min(1),
  accounts: z.record(accountName, accountSchema).default({}),
  /** Files beyond those of `files/`, or owner and mode of those: absolute path to file. */
  files: z.record(absolutePath, fileSchema).default({}),
  directories: z.record(absolutePath, z.strictObject(ownerFields)).default({}),
  entrypoint: z.array(z.string()).optional(),
  cmd: z.array(z.string()).optional(),
  env: z.record(z.string().regex(/^[^=\0]+$/), z.string()).default({}),
  /** Name of an account of the image, or a number. */
  user: z.union([accountName, numericId]).optional(),
  workdir: absolutePath.optional(),
  /** TCP ports, or such as `53/udp`. */
  ports: z
    .array(
      z.union([
        z.int().min(1).max(65_535),
        z.string().regex(/^\d{1,5}\/(tcp|udp)$/, "expected PORT/tcp or PORT/udp"),
      ]),
    )
    .default([]),
  volumes: z.array(absolutePath).default([]),
  /** One file of all certificates that packages and `files/` bring: /etc/ssl/certs/ca-certificates.crt. */
  certificates: z.boolean().default(false),
  /** Of the image, such as `Europe/Berlin`: /etc/localtime. UTC when absent. */
  timeZone: z
    .string()
    .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, "expected a name such as Europe/Berlin")
    .optional(),
  /** Such as `de_DE.UTF-8`: what programs can be asked to speak with LANG. C.UTF-8 is always there. */
  locales: z
    .array(
      z
        .string()
        .regex(/^[a-z]{2,3}(_[A-Z]{2})?\.[\w-]+(@\w+)?$/, "expected a name such as de_DE.UTF-8"),
    )
    .default([]),
  labels: z.record(z.string(), z.string()).default({}),
  stopSignal: z
    .string()
    .regex(/^SIG[A-Z0-9+-]+$/, "expected a name such as SIGTERM")
    .optional(),
  layers: z
    .strictObject({
      by: z.literal("source-package").default("source-package"),
      /** Layers at most, the state layer included; 1 gives one squashed layer. */
      budget: z.int().min(1).max(120).default(12),
    })
    .prefault({}),
  /** Everything reads gzip; zstd is smaller and far faster, and umoci 0.4 does not know it. */
  compression: z.enum(["gzip", "zstd"]).default("gzip"),
  slim: z
    .strictObject({
      /** Files marked %doc, manual and info pages; licence texts always stay. */
      docs: z.boolean().default(false),
      /** Languages of translations that are installed (files marked %lang); all when absent. */
      languages: z.array(z.string().regex(/^[\w@.-]+$/)).optional(),
      /** Globs of package files to leave out; they are listed as removed. */
      files: z.array(z.string()).default([]),
    })
    .prefault({}),
  policy: policySchema.prefault({}),
});

export type ImageFile = z.output<typeof imageFileSchema>;

/** Names of the files in an image's folder. */
const imageFileName = "image.yaml";
export const imageLockName = "image.lock.yaml";
export const imageFilesFolder = "files";

/**
 * Reads `image.yaml` of an image's folder.
 *
 * @throws {CleanroomError} those of `readYamlFile`
 */
export async function readImageFile(folder: string): Promise<ImageFile> {
  return readYamlFile(path.join(folder, imageFileName), imageFileSchema);
}
