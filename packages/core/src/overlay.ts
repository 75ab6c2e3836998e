import { mkdir } from "node:fs/promises";
import path from "node:path";
import { removeFolder, uniqueName } from "./files.ts";
import { run } from "./run.ts";

/** A folder that shows another one, and takes all changes to a third (overlayfs). */
export interface Overlay {
  /** Stays as it is. */
  readonly lower: string;
  /** Takes what is changed: at first an empty folder. */
  readonly upper: string;
  /** An empty folder for the kernel, on the file system of `upper`. */
  readonly work: string;
  /** Where it is mounted, for the command alone. */
  readonly target: string;
}

/**
 * A command with an overlay mounted, in a user and mount namespace of its own: nobody else sees
 * the mount, and it ends with the command.
 */
export function withOverlay(
  { lower, upper, work, target }: Overlay,
  command: readonly string[],
): string[] {
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work},userxattr`;
  const script = 'mount -t overlay overlay -o "$1" "$2" && shift 2 && exec "$@"';
  return [
    ...["unshare", "--user", "--map-root-user", "--mount", "--"],
    ...["sh", "-c", script, "sh", options, target, ...command],
  ];
}

/** Whether overlays can be mounted on the file system of `folder`, which it may write to. */
export async function overlaysWork(folder: string): Promise<boolean> {
  const place = path.join(folder, uniqueName("overlay"));
  // The characters that separate mount options; a path with them would need escapes.
  if (/[,:\\]/.test(place)) return false;
  const [lower, upper, work, target] = ["lower", "upper", "work", "target"].map((name) =>
    path.join(place, name),
  ) as [string, string, string, string];
  try {
    for (const name of [lower, upper, work, target]) await mkdir(name, { recursive: true });
    const [file = "", ...args] = withOverlay({ lower, upper, work, target }, ["true"]);
    const anyExitCode = Array.from({ length: 256 }, (_, code) => code);
    return (await run(file, args, { step: "try an overlay", accept: anyExitCode })).exitCode === 0;
  } finally {
    await removeFolder(place);
  }
}
