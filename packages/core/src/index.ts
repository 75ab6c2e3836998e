export { type BaseFile, baseFileSchema, type PackageFixup } from "./base-file.ts";
export { mapConcurrent } from "./concurrent.ts";
export {
  canonicalJson,
  isSha256,
  type Json,
  type Sha256,
  sha256,
  sha256File,
  sha256Json,
} from "./digest.ts";
export { developmentDistribution } from "./development-build.ts";
export { describeDuration } from "./duration.ts";
export { type ElfInterface, readElfInterface } from "./elf-interface.ts";
export { type ElfNeeds, readElfNeeds } from "./elf.ts";
export {
  CleanroomError,
  type ErrorDetail,
  formatError,
  formatPlace,
  machineFailure,
  messageOf,
  type Place,
} from "./error.ts";
export {
  adoptFolder,
  adoptFolders,
  isMissingFile,
  pathExists,
  removeAbandoned,
  removeFolder,
  replaceFolder,
  sizeOf,
  uniqueName,
  writeFileAtomic,
} from "./files.ts";
export { findCommand } from "./find-command.ts";
export { availableMemoryBytes } from "./memory.ts";
export { nameMatcher, pathMatcher } from "./glob.ts";
export { createLogger, type LogFields, type LogFormat, type Logger, silentLogger } from "./log.ts";
export {
  CommandError,
  type CommandOptions,
  type CommandResult,
  interruptCommands,
  killAllCommands,
  run,
  start,
  type StartedCommand,
} from "./run.ts";
export { overlayLowersMax, overlaysWork, withOverlay } from "./overlay.ts";
export {
  type Mount,
  runInSandbox,
  type Sandbox,
  sandboxArguments,
  sandboxPath,
  shellOutput,
  type Tools,
} from "./sandbox.ts";
export type { ActionResult } from "./action-result.ts";
export { openRemoteStore, ownResultKey } from "./remote/open-remote-store.ts";
export {
  type RemoteFile,
  remoteFileSchema,
  type RemoteSettings,
  remoteSettings,
} from "./remote/remote-settings.ts";
export { parseBeginning } from "./pieces.ts";
export { type Learnt, programMemory } from "./program-memory.ts";
export { defaultStoreFolder, Store } from "./store.ts";
export { jsonSchemaText, parseYaml, readYamlFile, rememberYamlValues } from "./yaml-file.ts";
