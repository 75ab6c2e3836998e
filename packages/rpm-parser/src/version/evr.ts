import { compareVersions } from "./compare.ts";

/** Epoch, version and release, as written: a part that was left out is undefined. */
export interface Evr {
  readonly epoch?: string;
  readonly version: string;
  readonly release?: string;
}

/**
 * Splits `[epoch:]version[-release]` as rpm does: the epoch is the digits before the first colon,
 * the release follows the last dash. An empty epoch (`:1-2`) counts as 0. Never fails.
 */
export function parseEvr(text: string): Evr {
  const colon = /^[0-9]*:/.exec(text)?.[0];
  const rest = colon === undefined ? text : text.slice(colon.length);
  const epoch = colon === undefined ? undefined : colon.slice(0, -1) || "0";
  const dash = rest.lastIndexOf("-");
  return {
    ...(epoch === undefined ? {} : { epoch }),
    version: dash < 0 ? rest : rest.slice(0, dash),
    ...(dash < 0 ? {} : { release: rest.slice(dash + 1) }),
  };
}

/** `[epoch:]version[-release]`; an epoch that is undefined is left out. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch === undefined ? "" : `${epoch}:`}${version}${release === undefined ? "" : `-${release}`}`;
}

/**
 * Orders two EVRs as rpm orders dependencies: a missing epoch is 0, and a release that either side
 * leaves out does not count.
 */
export function compareEvr(left: Evr | string, right: Evr | string): -1 | 0 | 1 {
  const a = typeof left === "string" ? parseEvr(left) : left;
  const b = typeof right === "string" ? parseEvr(right) : right;
  const epochs = compareVersions(a.epoch ?? "0", b.epoch ?? "0");
  if (epochs !== 0) return epochs;
  const versions = compareVersions(a.version, b.version);
  if (versions !== 0) return versions;
  if (a.release === undefined || b.release === undefined) return 0;
  return compareVersions(a.release, b.release);
}
