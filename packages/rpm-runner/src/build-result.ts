import type { Sha256 } from "@cleanroom/core";
import type { BuildId } from "@cleanroom/spec-strip";

/** The name of the log among the outputs of a build. */
export const logName = "build.log";

/** The name of the SLSA provenance among the outputs of a build. */
export const provenanceName = "provenance.json";

/** The name of the list of build root files that a build opened, where it could be observed. */
export const openedFilesName = "opened-files.txt";

export interface BuiltRpm {
  /** `name-version-release.arch.rpm` */
  readonly file: string;
  readonly sha256: Sha256;
  /** Bytes. */
  readonly size: number;
}

export interface BuildResult extends BuildId {
  readonly key: Sha256;
  /**
   * The spec as it was built. Comments and changelog entries can have been written since, which
   * make no new build; what belongs to the packages is this text.
   */
  readonly spec: Sha256;
  readonly rpms: readonly BuiltRpm[];
  /** The SLSA provenance of the RPMs, a blob of the store. */
  readonly provenance: Sha256;
  /**
   * `built`: rpmbuild ran. `cached`: the store had what this action makes. `cut-off`: so it had,
   * although something that the package needs was built anew.
   */
  readonly how: "built" | "cached" | "cut-off";
  /**
   * It was built with earlier packages in its build root, which offered the same interface as those
   * of now.
   */
  readonly isByInterface: boolean;
  /** Time that rpmbuild took, when it ran last. */
  readonly buildMs: number;
  /** The most memory that it was seen to take then; 0 unknown. */
  readonly peakMemoryBytes: number;
}
