import path from "node:path";
import { CleanroomError, pathExists, readYamlFile } from "@cleanroom/core";
import { type ProfileFile, profileFileSchema } from "./profile-file.ts";
import { type Profile, profileFromFile } from "./rule.ts";

/**
 * Reads profiles of a workspace with those that they inherit from, each once, and each after what
 * it inherits from.
 *
 * @param names of specs/profile/NAME.yaml, or paths of profile files, which end in `.yaml`.
 * @throws {CleanroomError} `profile-unknown`, `profile-cycle`, or as `readYamlFile`
 */
export async function readProfiles(
  workspace: string,
  names: readonly string[],
): Promise<readonly Profile[]> {
  const found = new Map<string, Profile>();
  const visit = async (name: string, from: readonly string[]): Promise<void> => {
    if (found.has(name)) return;
    if (from.includes(name)) {
      const cycle = [...from.slice(from.indexOf(name)), name].join(" -> ");
      throw new CleanroomError("profile-cycle", `profiles inherit from each other: ${cycle}`, {
        exitCode: 2,
      });
    }
    const file = await readProfileFile(workspace, name);
    for (const parent of file.inherits) await visit(parent, [...from, name]);
    found.set(name, profileFromFile(path.basename(name, ".yaml"), file));
  };
  for (const name of names) await visit(name, []);
  return [...found.values()];
}

async function readProfileFile(workspace: string, name: string): Promise<ProfileFile> {
  if (name.endsWith(".yaml")) {
    return readYamlFile(path.resolve(name), profileFileSchema, name);
  }
  const displayName = `specs/profile/${name}.yaml`;
  const file = path.join(workspace, displayName);
  if (!/^[\w.+-]+$/.test(name) || !(await pathExists(file))) {
    const { default: fastGlob } = await import("fast-glob");
    const known = await fastGlob("specs/profile/*.yaml", { cwd: workspace });
    throw new CleanroomError("profile-unknown", `there is no profile ${name}`, {
      exitCode: 2,
      hint:
        known.length === 0
          ? `write ${displayName}`
          : `one of: ${known
              .map((one) => path.basename(one, ".yaml"))
              .toSorted()
              .join(", ")}`,
    });
  }
  return readYamlFile(file, profileFileSchema, displayName);
}
