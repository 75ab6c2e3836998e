import { accessSync, constants } from "node:fs";
import path from "node:path";

/**
 * The file of a command that can be run, where the machine has it; nothing is started to find out.
 *
 * @param others folders to look in after those of the search path
 */
export function findCommand(name: string, others: readonly string[] = []): string | undefined {
  const folders = [...(process.env["PATH"] ?? "/usr/bin:/bin").split(":"), ...others];
  return folders
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
