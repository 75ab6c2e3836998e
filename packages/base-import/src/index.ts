export { debianMirror, PrivateApt } from "./apt.ts";
export { type Base, importBase } from "./import-base.ts";
export { type BaseLock, type LockedPackage, readBaseLock, writeBaseLock } from "./lock-file.ts";
