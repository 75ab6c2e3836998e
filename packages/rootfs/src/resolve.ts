import { readFileSync } from "node:fs";
import {
  CleanroomError,
  isSha256,
  type Json,
  type Mount,
  runInSandbox,
  sha256,
  sha256Json,
  type Store,
  type Tools,
} from "@cleanroom/core";
import { type Closure, closureOf, type ClosurePackage, type Repository } from "./closure.ts";

let readScript: string | undefined;

/** The resolver's script, which is read once. */
function resolverScript(): string {
  return (readScript ??= readFileSync(new URL("resolve.py", import.meta.url), "utf8"));
}

/** What a closure must fulfil. */
export interface ResolveRequest {
  /** Who asks, for messages: `glib2-build-root`. */
  readonly name: string;
  /** Capabilities as in Requires: names, versions, rich dependencies. */
  readonly requires: readonly string[];
  readonly conflicts?: readonly string[];
  readonly repositories: readonly Repository[];
  /** RPM's name of the architecture. */
  readonly arch: string;
}

/**
 * Resolves capabilities to a closure with dnf's solver (libsolv), weak dependencies left out. The answer
 * is kept in the store under everything that went into it.
 *
 * @throws {CleanroomError} `unsolvable` with libsolv's explanation; `repository-unusable`
 */
export async function resolveClosure(
  store: Store,
  tools: Tools,
  request: ResolveRequest,
): Promise<Closure> {
  const script = resolverScript();
  const requires = [...new Set(request.requires)].toSorted();
  const conflicts = [...new Set(request.conflicts ?? [])].toSorted();
  const key = sha256Json([
    "resolve",
    sha256(script),
    tools.digest,
    request.arch,
    request.name,
    requires,
    conflicts,
    request.repositories.map(({ id, digest, priority }) => [id, digest, priority]),
  ]);
  const known = await store.action(key);
  if (known !== undefined) {
    return closureOf(known.facts["packages"] as unknown as readonly ClosurePackage[]);
  }
  const packages = await askResolver(tools, { ...request, requires, conflicts }, script);
  await store.putAction(key, { outputs: [], facts: { packages: packages as unknown as Json } });
  return closureOf(packages);
}

type Answer =
  | { readonly packages: readonly ClosurePackage[] }
  | { readonly problem: string }
  | { readonly repositoryProblem: string };

async function askResolver(
  tools: Tools,
  request: ResolveRequest,
  script: string,
): Promise<readonly ClosurePackage[]> {
  const mounts: Mount[] = [];
  const repositories = request.repositories.map(({ id, location, priority }) => {
    if ("url" in location) return { id, url: location.url, priority };
    mounts.push({ source: location.folder, target: `/repositories/${id}` });
    return { id, url: `/repositories/${id}`, priority };
  });
  const { stdout } = await runInSandbox(
    {
      root: tools.root,
      mounts,
      network: request.repositories.some(({ location }) => "url" in location),
    },
    // hawkey says with each repository that dnf has a class for it.
    ["python3", "-W", "ignore", "-c", script],
    {
      step: `resolve ${request.name}`,
      input: JSON.stringify({
        name: request.name,
        requires: request.requires,
        conflicts: request.conflicts ?? [],
        arch: request.arch,
        repositories,
      }),
    },
  );
  const answer = JSON.parse(stdout) as Answer;
  if ("problem" in answer) {
    throw new CleanroomError(
      "unsolvable",
      `no set of packages fulfils ${request.name}:\n${indent(answer.problem)}`,
      {
        place: { step: `resolve ${request.name}` },
        hint: "correct the name or version, or add what provides it to base.yaml (`packages:`) or as a spec",
        exitCode: 2,
      },
    );
  }
  if ("repositoryProblem" in answer) {
    throw new CleanroomError("repository-unusable", answer.repositoryProblem, {
      place: { step: `resolve ${request.name}` },
    });
  }
  const unnamed = answer.packages.find(({ sha256: digest }) => !isSha256(digest));
  if (unnamed !== undefined) {
    throw new CleanroomError(
      "repository-unusable",
      `${unnamed.repository} lists ${unnamed.name} without a SHA-256 digest`,
      { place: { step: `resolve ${request.name}` } },
    );
  }
  return answer.packages;
}

function indent(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => `    ${line}`)
    .join("\n");
}
