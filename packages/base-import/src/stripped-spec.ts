import { applyProfiles, type Profile, type StrippedSpec } from "@cleanroom/spec-strip";
import { parseSpec, standardMacros } from "rpm-parser";

/**
 * The spec of an imported package without what profiles do not want: it is a spec like any other,
 * and the rules mean what they mean there. Rules under `packages` are those of the Debian package's
 * name, for the spec has that of its source package.
 */
export function strippedSpec(
  spec: string,
  name: string,
  profiles: readonly Profile[],
  arch: string,
): StrippedSpec {
  const options = { macros: standardMacros(), target: arch };
  return applyProfiles(parseSpec(spec, `${name}.spec`), options, profiles, name);
}
