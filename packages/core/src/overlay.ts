import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { removeFolder, uniqueName } from "./files.ts";
import { run } from "./run.ts";

/** A folder that shows others, one over the other, and takes all changes to one more (overlayfs). */
export interface Overlay {
  /** The topmost first, at most {@link overlayLowersMax}; they stay as they are. */
  readonly lowers: readonly string[];
  /** Takes what is changed: at first an empty folder. */
  readonly upper: string;
  /** An empty folder for the kernel, on the file system of `upper`. */
  readonly work: string;
  /** Where it is mounted, for the command alone. */
  readonly target: string;
}

/** The kernel stacks 500 (`OVL_MAX_STACK`), and takes a page of options. */
export const overlayLowersMax = 400;

/**
 * A command with an overlay mounted, in a user and mount namespace of its own: nobody else sees
 * the mount, and it ends with the command. Makes a folder beside `work`, for short names of the
 * lower ones.
 */
export async function withOverlay(
  { lowers, upper, work, target }: Overlay,
  command: readonly string[],
): Promise<string[]> {
  const names = `${work}.lower`;
  await mkdir(names);
  for (const [index, lower] of lowers.entries()) {
    await symlink(lower, path.join(names, String(index)));
  }
  const options = `lowerdir=${[...lowers.keys()].join(":")},upperdir=${upper},workdir=${work},userxattr`;
  // mount(2) itself takes options of this length; fsconfig(2) does not.
  const script =
    '(cd "$1" && LIBMOUNT_FORCE_MOUNT2=always mount -t overlay overlay -o "$2" "$3") && shift 3 && exec "$@"';
  return [
    ...["unshare", "--user", "--map-root-user", "--mount", "--"],
    ...["sh", "-c", script, "sh", names, options, target, ...command],
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
    const [file = "", ...args] = await withOverlay({ lowers: [lower], upper, work, target }, [
      "true",
    ]);
    const anyExitCode = Array.from({ length: 256 }, (_, code) => code);
    return (await run(file, args, { step: "try an overlay", accept: anyExitCode })).exitCode === 0;
  } finally {
    await removeFolder(place);
  }
}
