import { CleanroomError, pathExists, type Sha256, type Store } from "@cleanroom/core";
import {
  currentGeneration,
  type Generation,
  type PackageToPublish,
  publish,
} from "@cleanroom/repo-publisher";
import { buildPackages, type BuildResult } from "@cleanroom/rpm-runner";
import { readImageFile } from "@cleanroom/image-composer";
import { imageNeeds, type Stack } from "@cleanroom/spec-strip";
import { imageFolder } from "./image-folders.ts";
import { forbiddenBySource, readRepositorySettings } from "./repository-settings.ts";
import type { Session } from "./session.ts";

/**
 * Builds packages, with all that they need, and publishes them as a signed generation.
 *
 * When all are named the generation holds exactly them. When some are, it holds them beside what
 * the current generation has of the others, as far as they still have a spec and still fit: publishing
 * for one image takes nothing away from another, and is not stopped by what another left behind.
 */
export async function buildAndPublish(
  session: Session,
  names: readonly string[],
): Promise<{ readonly results: readonly BuildResult[]; readonly generation: Generation }> {
  const context = await session.runnerContext();
  const { store, tools, logger, stack } = context;
  const { publishing } = await readRepositorySettings();
  const results = await buildPackages(context, names);
  const built = new Set(results.map(({ name }) => name));
  const wanted = [
    ...results.flatMap(({ rpms, provenance }) =>
      rpms.map(({ sha256 }) => ({ sha256, provenance })),
    ),
    ...(await keptPackages(store, stack, built)),
  ];
  const packages = await Promise.all(
    wanted.map(async (one) => ({ ...one, file: await blobFile(store, one.sha256) })),
  );
  const checks = {
    // Nothing is published that could not be installed from it and the base.
    bases: [(await session.base()).repository],
    forbidIn: forbiddenBySource(stack),
  };
  const generation = await publish({ store, tools, logger, ...publishing, packages, checks });
  return { results, generation };
}

/** Builds and publishes what an image needs of the stack. */
export async function publishForImage(session: Session, image: string): Promise<Generation> {
  const { packages } = await readImageFile(imageFolder(image));
  const needed = imageNeeds(await session.stack(), packages);
  return (await buildAndPublish(session, needed)).generation;
}

async function keptPackages(
  store: Store,
  stack: Stack,
  built: ReadonlySet<string>,
): Promise<Pick<PackageToPublish, "sha256" | "provenance" | "kept">[]> {
  const current = await currentGeneration(store);
  return (current?.packages ?? [])
    .filter(({ sourceRpm }) => {
      // name-version-release.src.rpm
      const source = (sourceRpm ?? "").split("-").slice(0, -2).join("-");
      return stack.packages.has(source) && !built.has(source);
    })
    .map(({ unsignedSha256: sha256, provenance }) => ({ sha256, provenance, kept: true }));
}

/** Publishing looks at the bytes, as far as it does not know them. */
async function blobFile(store: Store, sha256: Sha256): Promise<string> {
  const file = store.blobPath(sha256);
  if (await pathExists(file)) return file;
  throw new CleanroomError("blob-missing", `the store lacks the package ${sha256}`, {
    place: { step: "publish" },
    hint: "./cleanroom repo publish builds it anew",
  });
}
