export { checkReproducible } from "./reproduce.ts";
export { explainBuilds } from "./explain.ts";
export { type BuildLimits, buildPackages, openBuildRoot, type RunnerContext } from "./build.ts";
export type { BuildResult, BuiltRpm } from "./build-result.ts";
export {
  type DebianSourceFile,
  type DebianSources,
  fetchSources,
  lockSources,
  verifySources,
} from "./sources.ts";
export { readOutput } from "./output.ts";
export { readRpmNeeds } from "./rpm-needs.ts";
export { suggestCuts, type Suggestion, type SuggestionInput } from "./suggest.ts";
export { writeSourcesLock } from "./sources-lock.ts";
