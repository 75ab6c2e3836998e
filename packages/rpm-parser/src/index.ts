export type { ByteChunks } from "./header/byte-source.ts";
export { type HeaderDependency, senseBits } from "./header/dependencies.ts";
export { type FileFlag, fileFlagBits, type RpmFile, type RpmFileType } from "./header/file-list.ts";
export { HeaderBlob, type TagValue } from "./header/header-blob.ts";
export type {
  HeaderChangelogEntry,
  PayloadDescription,
  RpmHeader,
} from "./header/package-header.ts";
export { type PayloadEntry, readCpio, readPayload } from "./header/payload.ts";
export {
  openRpmPackage,
  readRpmHeader,
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
