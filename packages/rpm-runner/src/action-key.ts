import { type Json, type Sha256, sha256, sha256Json } from "@cleanroom/core";
import type { Closure } from "@cleanroom/rootfs";
import type { SourceInput } from "./sources.ts";

/** Raised when the way Cleanroom runs a build changes so that outputs may differ. */
export const runnerEpoch = 4;

/** All that can influence what a build writes. */
export interface ActionInputs {
  /** What counts of the spec that is built: `significantText` of spec-strip. */
  readonly spec: string;
  readonly sources: readonly SourceInput[];
  /** The build root: every package in it by the digest of its bytes, tools such as rpmbuild among them. */
  readonly closure: Closure;
  readonly macros: Readonly<Record<string, string>>;
  readonly arch: string;
  /** Digest of the tools that install the build root. */
  readonly tools: string;
}

/**
 * The action key of a build. Build conditions and stages count by the spec's text, which holds them
 * as they are switched, and rpmbuild with the compiler by the build root. The build root counts by the digests of its packages, which are
 * outputs: a dependency that was rebuilt to the same bytes leaves the key alone, and the wave of
 * rebuilds stops there (cutoff).
 */
export function actionKey(inputs: ActionInputs): Sha256 {
  const { spec, sources, closure, macros, arch, tools } = inputs;
  return sha256Json({
    action: "rpm-build",
    epoch: runnerEpoch,
    spec: sha256(spec),
    sources: sources
      .map(({ file, sha256: digest }) => [file, digest])
      .toSorted(([a], [b]) => ((a ?? "") < (b ?? "") ? -1 : 1)) as Json,
    closure: closure.digest,
    macros,
    arch,
    tools,
  });
}
