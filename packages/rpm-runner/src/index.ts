export { checkReproducible, type ReproductionResult } from "./reproduce.ts";
export { checkCutoffs, type CutoffCheck } from "./cutoff-check.ts";
export {
  type DevelopmentBuild,
  type DevelopmentOptions,
  developPackage,
} from "./develop/develop.ts";
export { explainBuilds } from "./explain.ts";
export { BuildProgress, type BuildState, type ProgressSnapshot } from "./progress.ts";
export { describeRun, readRunSummary, type RunSummary } from "./run-summary.ts";
export { buildPackages } from "./build.ts";
export { planPackages } from "./build-plan.ts";
export { openBuildRoot } from "./build-root.ts";
export type { BuildLimits, RunnerContext } from "./runner-context.ts";
export type { BuildResult, BuiltRpm } from "./build-result.ts";
export {
  type DebianSourceFile,
  type DebianSources,
  fetchSources,
  lockSources,
  verifySources,
} from "./sources.ts";
export type { AtFailure } from "./rpmbuild.ts";
export { checkSourceRpms, makeSourceRpms, type SourceRpm } from "./source-rpm.ts";
export { type LintFinding, lintPackages, type LintResult } from "./rpmlint.ts";
export { readOutput } from "./output.ts";
export {
  suggestCuts,
  type Suggestion,
  type SuggestionInput,
  type WantedCapabilities,
} from "./suggest.ts";
export { suggestBuildRequires } from "./suggest-build-requires.ts";
export { readBasePackages, readBuildTrace } from "./build-trace.ts";
export { writeSourcesLock } from "./sources-lock.ts";
