export { packageFileSchema } from "./package-file.ts";
export { profileFileSchema } from "./profile/profile-file.ts";
export { readProfiles } from "./profile/read-profiles.ts";
export {
  type CapabilityRule as ForbidRule,
  droppedNames,
  type Profile,
  profileFromFile,
  profilesDigest,
  type Rule,
  ruleName,
} from "./profile/rule.ts";
export { applyProfiles, type StrippedSpec } from "./strip/apply-profiles.ts";
export {
  describeUnmatched,
  type ForbiddenDependency,
  type StripEdit,
  type StripReport,
  unmatchedRules,
} from "./strip/report.ts";
export { needsOfBuild, packageOfBuild, readStack, type Stack, type StackPackage } from "./stack.ts";
export type { StackOptions } from "./read-package.ts";
export { type BuildId, formatBuildId } from "./stack-graph.ts";
export { imageNeeds } from "./image-needs.ts";
export { diffSpecs, type SpecChange } from "./diff/diff-specs.ts";
