import path from "node:path";
import { type Json, type Sha256, sha256Json, type Store } from "@cleanroom/core";
import type { Closure } from "@cleanroom/rootfs";
import { readRootPackages } from "./build-trace.ts";
import { closureOf, providersByName } from "./package-graph.ts";

/** Raised when other packages are chosen. */
const choiceEpoch = 1;

/** Names of compiler drivers that ccache knows how to stand in for. */
const compilerName =
  /^(?:[\w]+-[\w]+-[\w]+(?:-[\w]+)?-)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(?:-\d+)?$/;

/** What has to be known of a package to choose. */
interface CandidatePackage {
  readonly sha256: Sha256;
  /** Names of capabilities, and paths of files. */
  readonly provides: readonly string[];
  readonly requires: readonly string[];
}

/** The compilers of a build root. */
export interface Compilers {
  /** Names of the drivers in /usr/bin, sorted. */
  readonly commands: readonly string[];
  /** Digests of the packages that decide what they make, sorted. */
  readonly packages: readonly Sha256[];
}

/**
 * The compilers that packages hold, and the packages that decide what these make of a preprocessed
 * text and their arguments: those with a driver, and all that they require: the compilers proper,
 * the assembler, and the libraries that they run with. Headers of a build root do not count: what
 * the preprocessor makes of them does.
 */
export function compilersAmong(packages: readonly CandidatePackage[]): Compilers {
  const drivers = packages.filter(({ provides }) => provides.some(isDriver));
  const needed = closureOf(
    drivers.flatMap(({ requires }) => requires),
    providersByName(packages),
    ({ requires }) => requires,
  );
  const files = drivers.flatMap(({ provides }) => provides.filter(isDriver));
  return {
    commands: [...new Set(files.map((file) => path.posix.basename(file)))].toSorted(),
    packages: [...new Set([...drivers, ...needed].map(({ sha256 }) => sha256))].toSorted(),
  };
}

/** Whether it is the path of a driver where commands are found. */
function isDriver(provided: string): boolean {
  const { dir, base } = path.posix.parse(provided);
  return (dir === "/usr/bin" || dir === "/bin") && compilerName.test(base);
}

/**
 * {@link compilersAmong} the packages of a build root, remembered by its closure.
 *
 * @returns undefined when the store no longer has them all
 */
export async function compilersOf(store: Store, closure: Closure): Promise<Compilers | undefined> {
  const { digest } = closure;
  const key = sha256Json({ action: "compilers", epoch: choiceEpoch, closure: digest });
  const known = await store.action(key);
  if (known !== undefined) return known.facts["compilers"] as unknown as Compilers;
  const digests = closure.packages.map(({ sha256 }) => sha256);
  const read = await readRootPackages(store, digests);
  if (read === undefined) return undefined;
  const candidates = read.map((one, index) => ({ ...one, sha256: digests[index] ?? "" }));
  const compilers = compilersAmong(candidates);
  const facts = { compilers: compilers as unknown as Json };
  await store.putAction(key, { outputs: [], facts });
  return compilers;
}
