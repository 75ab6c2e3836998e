import type { Logger, Store, Tools } from "@cleanroom/core";
import type { Repository } from "@cleanroom/rootfs";
import type { Stack, StackPackage } from "@cleanroom/spec-strip";
import type { BuildProgress } from "./progress.ts";
import type { AtFailure } from "./rpmbuild.ts";
import type { DebianSources } from "./sources.ts";

/** What builds are made with and where they go. */
export interface RunnerContext {
  readonly store: Store;
  readonly tools: Tools;
  readonly stack: Stack;
  readonly base: Repository;
  /** Packages of the base in every build root. */
  readonly buildRootPackages: readonly string[];
  readonly macros: Readonly<Record<string, string>>;
  readonly arch: string;
  /** Each package's RPMs go to a folder of its name in this one. */
  readonly outputFolder: string;
  /** Those of a stage go to STAGE/NAME in this one: nothing takes them for the package's. */
  readonly stageFolder: string;
  readonly debian: DebianSources;
  /** ccache for the compilers of builds; without it they compile everything. */
  readonly compilerCache: Tools | undefined;
  readonly limits: BuildLimits;
  /** `abi`: every package stops the wave as those do whose package.yaml says so. */
  readonly cutoff: StackPackage["cutoff"];
  /** Where the builds of a run stand. */
  readonly progress: BuildProgress;
  /** Looks at builds that have failed, where they stopped. */
  readonly atFailure?: AtFailure | undefined;
  readonly logger: Logger;
}

/** How builds share the machine. */
export interface BuildLimits {
  /** Builds under way at once. */
  readonly builds: number;
  /** Compiler jobs of all builds together; undefined: each has as many as there are processors. */
  readonly jobs: number | undefined;
  /** What all builds together may take, by what each took when it ran last. */
  readonly memoryBytes: number;
  /** After a failure, go on with what does not need the failed package. */
  readonly keepGoing: boolean;
}
