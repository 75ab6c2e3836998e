import { readFile } from "node:fs/promises";
import { CleanroomError, runInSandbox, type Tools } from "@cleanroom/core";
import { z } from "zod";

const inspectionSchema = z.strictObject({
  packages: z.array(
    z.strictObject({
      /** Without an epoch of 0. */
      nevra: z.string(),
      name: z.string(),
      /** File name of the source package; null for a source package. */
      sourceRpm: z.string().nullable(),
      location: z.string(),
      /** Null when the metadata has another kind of digest. */
      sha256: z.string().nullable(),
      sizeBytes: z.int(),
      requires: z.array(z.string()),
      provides: z.array(z.string()),
    }),
  ),
  broken: z.array(z.strictObject({ nevra: z.string(), reasons: z.array(z.string()) })),
});

const failureSchema = z.strictObject({ error: z.string() });

/** What a client finds in a repository. */
export type Inspection = z.infer<typeof inspectionSchema>;

export interface InspectionOptions {
  /** File with the public keys, in ASCII armour, that must have signed the metadata. */
  readonly keyFile?: string;
  /** Folders of the repositories that clients have besides. */
  readonly bases: readonly string[];
  /** Whether to try whether each package can be installed. */
  readonly closure: boolean;
}

/**
 * Loads the repository in a local folder with dnf: signature and digests of the metadata are
 * checked as clients check them, and each package is tried for installation.
 *
 * @throws CleanroomError `repository-invalid`, with dnf's words
 */
export async function inspectRepository(
  tools: Tools,
  folder: string,
  options: InspectionOptions,
): Promise<Inspection> {
  const bases = options.bases.map((source, index) => ({ source, target: `/bases/${index}` }));
  const mounts = [{ source: folder, target: "/repository" }, ...bases];
  if (options.keyFile !== undefined) mounts.push({ source: options.keyFile, target: "/key" });
  const request = {
    repository: "/repository",
    key: options.keyFile === undefined ? null : "/key",
    bases: bases.map(({ target }) => target),
    closure: options.closure,
    arch: process.arch === "arm64" ? "aarch64" : "x86_64",
  };
  const script = await readFile(new URL("inspect_repository.py", import.meta.url), "utf8");
  const { stdout } = await runInSandbox({ root: tools.root, mounts }, ["python3", "-c", script], {
    input: JSON.stringify(request),
    step: "inspect the repository",
  });
  const answer: unknown = JSON.parse(stdout);
  const failure = failureSchema.safeParse(answer);
  if (failure.success) {
    throw new CleanroomError("repository-invalid", failure.data.error, {
      place: { file: folder },
      hint: "publish it again",
    });
  }
  return inspectionSchema.parse(answer);
}
