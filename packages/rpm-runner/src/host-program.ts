import { existsSync } from "node:fs";
import type { Mount, Sandbox } from "@cleanroom/core";

/** What programs need of /etc: where libraries are, and which program a common name stands for. */
const settings = ["/etc/ld.so.cache", "/etc/alternatives"];

/**
 * A sandbox for a program of this machine that reads what a build made, which may be anything:
 * it sees programs and libraries, what it is given, and nothing else.
 */
export function hostProgramSandbox(mounts: readonly Mount[]): Sandbox {
  return {
    root: "/",
    only: ["usr", "bin", "sbin", "lib", "lib64"],
    mounts: [
      ...settings
        .filter((file) => existsSync(file))
        .map((file) => ({ source: file, target: file })),
      ...mounts,
    ],
  };
}
