import { CleanroomError, type Json, sha256Json } from "@cleanroom/core";
import {
  type Closure,
  closureOf,
  type ClosurePackage,
  nevraOf,
  resolveClosure,
} from "@cleanroom/rootfs";
import { type AdmittedPackages, admitPackages, readHeadersAhead } from "./admit-packages.ts";
import { type ImageContext, imageNamePattern, type ImageRequest } from "../context.ts";
import { readImageFile } from "../image-file.ts";
import { planLayers } from "./layer-plan.ts";
import { type ImageLock, readImageLock, splitNevra, writeImageLock } from "./lock-file.ts";
import { type LockChange, lockChange } from "./lock-change.ts";
import { sourceGroups } from "./source-groups.ts";

/**
 * Resolves the image's packages anew and writes `image.lock.yaml` when they changed.
 *
 * @returns what changed, in values and in words
 * @throws {CleanroomError} `unsolvable`, `image-name`, and those of fetching and of signatures
 */
export async function lockImage(context: ImageContext, request: ImageRequest): Promise<LockChange> {
  checkName(request.name);
  const image = await readImageFile(request.folder);
  const requires = [...new Set(image.packages)].toSorted();
  const resolving = resolveClosure(context.store, context.tools, {
    name: `image-${request.name}`,
    requires,
    repositories: request.repositories,
    arch: request.arch,
  });
  const lastLock = readLastLock(context, request);
  // It is asked for when all else has gone well.
  lastLock.catch(() => undefined);
  const closure = await resolving;
  const admitted = await admitPackages(context, closure, request.repositories);
  const before = await lastLock;
  const groups = sourceGroups(admitted, request.repositories);
  const { budget } = image.layers;
  const lock: ImageLock = {
    arch: request.arch,
    repositories: Object.fromEntries(request.repositories.map(({ id, digest }) => [id, digest])),
    requires,
    packages: admitted.packages.map(({ entry, header }) => ({
      nevra: nevraOf(entry),
      sha256: header.headerSha256,
      size: header.installedBytes,
      repository: entry.repository,
      source: entry.sourceRpm,
    })),
    layers:
      budget === 1
        ? []
        : planLayers(groups, budget - 1, before?.layers).map((sources) => [...sources]),
  };
  const change = lockChange(before, lock);
  if (change.changed) await writeImageLock(request.folder, lock);
  await rememberClosure(context, request, change.lock, closure);
  return change;
}

/**
 * Reads the lock that there is, and the headers of its packages as far as they are known: most of what was
 * locked last will be locked again.
 */
async function readLastLock(
  context: ImageContext,
  request: ImageRequest,
): Promise<ImageLock | undefined> {
  const lock = await readImageLock(request.folder);
  if (lock === undefined) return undefined;
  const states = request.repositories.map(({ id }) => [id, lock.repositories[id] ?? ""] as const);
  const known = await knownClosure(context, states, lock);
  if (known !== undefined) await readHeadersAhead(context, known.packages, request.repositories);
  return lock;
}

function checkName(name: string): void {
  if (imageNamePattern.test(name)) return;
  throw new CleanroomError("image-name", `an image cannot be called ${JSON.stringify(name)}`, {
    exitCode: 2,
    hint: "use lower-case letters and digits, joined by one of . _ -",
  });
}

/**
 * The packages of a lock, as the repositories have them now: exactly the lock, or an error.
 *
 * @throws {CleanroomError} `image-lock-missing`, `image-lock-stale`
 */
export async function lockedPackages(
  context: ImageContext,
  request: ImageRequest,
  lock: ImageLock,
): Promise<AdmittedPackages> {
  const closure = await lockedClosure(context, request, lock);
  const admitted = await admitPackages(context, closure, request.repositories);
  const byNevra = new Map(lock.packages.map((entry) => [entry.nevra, entry]));
  for (const { entry, header } of admitted.packages) {
    const nevra = nevraOf(entry);
    const locked = byNevra.get(nevra);
    if (locked?.sha256 === header.headerSha256) continue;
    throw stale(
      request,
      locked === undefined
        ? `${nevra} is needed and not in the lock`
        : `${nevra} in ${entry.repository} is another build (header ${header.headerSha256}) than the locked one (${locked.sha256})`,
    );
  }
  return admitted;
}

async function lockedClosure(
  context: ImageContext,
  request: ImageRequest,
  lock: ImageLock,
): Promise<Closure> {
  const known = await knownClosure(context, statesOf(request), lock);
  if (known !== undefined) return known;
  let closure: Closure;
  try {
    closure = await resolveClosure(context.store, context.tools, {
      name: `image-${request.name}`,
      requires: lock.packages.map(({ nevra }) => {
        const { name, evr } = splitNevra(nevra);
        return `${name} = ${evr}`;
      }),
      repositories: request.repositories,
      arch: request.arch,
    });
  } catch (error) {
    if (error instanceof CleanroomError && error.code === "unsolvable") {
      throw stale(request, "the repositories no longer hold what is locked", error);
    }
    throw error;
  }
  const found = new Set(closure.packages.map(nevraOf));
  const missing = lock.packages.filter(({ nevra }) => !found.has(nevra));
  if (missing.length > 0 || found.size !== lock.packages.length) {
    const locked = new Set(lock.packages.map(({ nevra }) => nevra));
    const extra = [...found].filter((nevra) => !locked.has(nevra));
    throw stale(
      request,
      [
        ...missing.map(({ nevra }) => `${nevra} is locked and not found`),
        ...extra.map((nevra) => `${nevra} is needed and not in the lock`),
      ].join("; "),
    );
  }
  await rememberClosure(context, request, lock, closure);
  return closure;
}

/** Repositories by name, each with the digest of its state. */
type RepositoryStates = readonly (readonly [id: string, digest: string])[];

function statesOf({ repositories }: ImageRequest): RepositoryStates {
  return repositories.map(({ id, digest }) => [id, digest] as const);
}

/** A lock together with repository states always means the same packages: asked for once. */
function closureKey(context: ImageContext, states: RepositoryStates, lock: ImageLock): string {
  return sha256Json(["image-closure", context.tools.digest, lock.packages, states]);
}

async function knownClosure(
  context: ImageContext,
  states: RepositoryStates,
  lock: ImageLock,
): Promise<Closure | undefined> {
  const known = await context.store.action(closureKey(context, states, lock));
  if (known === undefined) return undefined;
  return closureOf(known.facts["packages"] as unknown as readonly ClosurePackage[]);
}

async function rememberClosure(
  context: ImageContext,
  request: ImageRequest,
  lock: ImageLock,
  closure: Closure,
): Promise<void> {
  await context.store.putAction(closureKey(context, statesOf(request), lock), {
    outputs: [],
    facts: { packages: closure.packages as unknown as Json },
  });
}

function stale(request: ImageRequest, why: string, cause?: unknown): CleanroomError {
  return new CleanroomError("image-lock-stale", `image.lock.yaml does not fit: ${why}`, {
    place: { step: `image ${request.name}` },
    hint: `./cleanroom image lock ${request.name}`,
    exitCode: 2,
    cause,
  });
}
