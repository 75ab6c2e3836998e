export { PrivateApt } from "./apt.ts";
export { type Base, type BaseDefinition, importBase } from "./import-base.ts";
export { lockBase } from "./lock-base.ts";
export { type BaseLock, readBaseLock, writeBaseLock } from "./lock-file.ts";
