export { checkReproducible, type ReproductionResult } from "./reproduce.ts";
export { checkCutoffs, type CutoffCheck } from "./cutoff-check.ts";
export { explainBuilds } from "./explain.ts";
export { BuildProgress, type BuildState, type ProgressSnapshot } from "./progress.ts";
export { describeRun, readRunSummary, type RunSummary } from "./run-summary.ts";
export {
  type BuildLimits,
  buildPackages,
  openBuildRoot,
  planPackages,
  type RunnerContext,
} from "./build.ts";
export type { BuildResult, BuiltRpm } from "./build-result.ts";
export {
  type DebianSourceFile,
  type DebianSources,
  fetchSources,
  lockSources,
  verifySources,
} from "./sources.ts";
export { checkSourceRpms, makeSourceRpms, type SourceRpm } from "./source-rpm.ts";
export { readOutput } from "./output.ts";
export { readRpmNeeds } from "./rpm-needs.ts";
export { suggestCuts, type Suggestion, type SuggestionInput } from "./suggest.ts";
export { writeSourcesLock } from "./sources-lock.ts";
