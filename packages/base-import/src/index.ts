export { PrivateApt } from "./apt.ts";
export { type Base, importBase } from "./import-base.ts";
export { lockBase } from "./lock-base.ts";
export { readBaseLock, writeBaseLock } from "./lock-file.ts";
