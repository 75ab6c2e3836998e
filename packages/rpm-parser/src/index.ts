export type { ByteChunks } from "./header/byte-source.ts";
export { type HeaderDependency, readDependencies, senseBits } from "./header/dependencies.ts";
export {
  type FileFlag,
  fileFlagBits,
  readFilePaths,
  type RpmFile,
  type RpmFileType,
} from "./header/file-list.ts";
export { HeaderBlob, type TagValue } from "./header/header-blob.ts";
export {
  type HeaderChangelogEntry,
  type PayloadDescription,
  readChangelog,
  type RpmHeader,
} from "./header/package-header.ts";
export { type PayloadEntry, readCpio, readPayload } from "./header/payload.ts";
export {
  isTruncated,
  openRpmPackage,
  readRpmHeader,
  readRpmHeaderBlobs,
  readRpmHeaderBytes,
  readRpmPackage,
  type RpmPackage,
} from "./header/read-package.ts";
export type {
  HeaderScriptlet,
  HeaderScriptletKind,
  HeaderTrigger,
  TriggerEvent,
} from "./header/scriptlets.ts";
export { headerTag, signatureTag } from "./header/tag-table.ts";
export {
  type Capability,
  capabilityMatches,
  formatCapability,
  formatRequirement,
  type Operator,
  type Requirement,
  requirementMatches,
  type RichOperator,
} from "./capability/capability.ts";
export {
  type DependencySyntaxError,
  parseCapability,
  type ParsedRequirement,
  parseRequirement,
  parseRequirements,
} from "./capability/parse.ts";
export { diagnosticError, formatDiagnostic } from "./evaluate/diagnostics.ts";
export {
  evaluateSpec,
  type Evaluation,
  type EvaluationOptions,
  type ShellPolicy,
} from "./evaluate/evaluate-spec.ts";
export { expandTexts } from "./evaluate/expand-texts.ts";
export type {
  ChainLink,
  FileKind,
  FileReader,
  RpmDialect,
  Severity,
  ShellResult,
  SpecDiagnostic,
} from "./macro/host.ts";
export { parseMacroFile } from "./macro/macro-file.ts";
export {
  type MacroDefinition,
  macrosFromRecord,
  type MacroSource,
  MacroTable,
} from "./macro/table.ts";
export { dependencyKinds } from "./model/spec-package.ts";
export type {
  BuildCondition,
  ChangelogEntry,
  DependencyKind,
  SourcePackage,
  SpecDependency,
  SpecFileEntry,
  SpecPackage,
  SpecScriptlet,
  SpecSource,
  SpecTrigger,
} from "./model/spec-package.ts";
export { parseSpec } from "./syntax/parse-spec.ts";
export {
  type ConditionKeyword,
  type LineContent,
  printSpec,
  printSpecText,
  type Span,
  spanText,
  type SpecBranch,
  type SpecConditional,
  type SpecLine,
  type SpecSection,
  type SpecTree,
  type SyntaxProblem,
} from "./syntax/spec-tree.ts";
export { SourceText, type TextEncoding } from "./syntax/source-text.ts";
export { compareVersions } from "./version/compare.ts";
export { compareEvr, type Evr, formatEvr, parseEvr } from "./version/evr.ts";
export { machineMacros, standardMacros } from "./macro/standard-macros.ts";
export { type StaticProvide, staticProvides } from "./model/static-provides.ts";
export { setBuildOption } from "./edit/build-option.ts";
export { addFile, removeFiles } from "./edit/files-edit.ts";
export {
  addChangelogEntry,
  addPackage,
  type NewPackage,
  removePackage,
  removeSection,
  setBuildCondition,
  setMacro,
  setSection,
} from "./edit/section-edit.ts";
export { addSource, bumpRelease, removeSource, setVersion } from "./edit/source-edit.ts";
export { addDependency, removeDependencies, removeTag, setTag } from "./edit/tag-edit.ts";
export { applyEdits, type TextEdit } from "./edit/text-edit.ts";
export { lintSpec } from "./query/lint-spec.ts";
export type { ShellFacts } from "./shell/shell-surroundings.ts";
export { formatQuery, QueryFormatError } from "./query/query-format.ts";
export { packageTags, type QueryTags, sourceTags, type TagContent } from "./query/query-tags.ts";
