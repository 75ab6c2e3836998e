import { existsSync, lstatSync, readdirSync, readlinkSync } from "node:fs";
import path from "node:path";
import { type Overlay, withOverlay } from "./overlay.ts";
import { type CommandOptions, type CommandResult, run, runToEnd } from "./run.ts";

/** A host folder or file that a sandbox sees. */
export interface Mount {
  readonly source: string;
  /** Absolute path inside the sandbox. */
  readonly target: string;
  readonly writable?: boolean;
}

/**
 * What a sandboxed command sees: a root (read-only), the mounts it is given, a private /tmp,
 * /run, /proc and /dev, and nothing else of the host. It has no network unless `network` is
 * true, no capability beyond those named (which hold in its own user namespace alone), no way
 * to gain privileges, and it dies with its parent.
 */
export interface Sandbox {
  /** Host folder whose entries become the sandbox's `/`. */
  readonly root: string;
  /** Only these top-level names of the root; all when absent. */
  readonly only?: readonly string[];
  readonly mounts?: readonly Mount[];
  /** Mounted for the command, so that a mount can show its target. */
  readonly overlay?: Overlay;
  /** User and group id inside; 1000 when absent. */
  readonly uid?: number;
  /** `cleanroom` when absent. */
  readonly hostName?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly network?: boolean;
  /** Folders inside that commands chroot into: each gets its own /proc, /dev, /tmp and /run. */
  readonly chroots?: readonly string[];
  /** Folders inside that are empty, in memory, and gone with the command. */
  readonly scratch?: readonly string[];
  /** Such as `CAP_SYS_CHROOT`. */
  readonly capabilities?: readonly string[];
}

/** Where a sandboxed command finds programs. */
export const sandboxPath = "/usr/bin:/usr/sbin:/bin:/sbin";

const environment = {
  PATH: sandboxPath,
  HOME: "/tmp",
  LANG: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  TZ: "UTC",
  SHELL: "/bin/sh",
} as const;

/** Top-level folders of a root that the sandbox makes itself. */
const ownFolders = new Set(["proc", "dev", "tmp", "run", "sys"]);

/**
 * The bubblewrap arguments for a sandbox, up to and without the command. Reads a folder of a dozen entries:
 * what is to start is not to wait for threads.
 */
export function sandboxArguments(sandbox: Sandbox): string[] {
  const uid = String(sandbox.uid ?? 1000);
  const args = [
    ...["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"],
    ...["--unshare-cgroup-try", "--hostname", sandbox.hostName ?? "cleanroom"],
    ...["--uid", uid, "--gid", uid],
    ...["--die-with-parent", "--clearenv", "--cap-drop", "ALL"],
    ...(sandbox.capabilities ?? []).flatMap((name) => ["--cap-add", name]),
    ...(sandbox.network === true ? [] : ["--unshare-net"]),
    ...["--tmpfs", "/"],
  ];
  // The root's entries one by one, not the root as a whole: so a mount point that the root does
  // not have can be made on the tmpfs, and the root itself stays untouched.
  for (const name of readdirSync(sandbox.root).toSorted()) {
    if (ownFolders.has(name) || sandbox.only?.includes(name) === false) continue;
    const source = path.join(sandbox.root, name);
    const entry = lstatSync(source);
    if (entry.isSymbolicLink()) args.push("--symlink", readlinkSync(source), `/${name}`);
    else args.push("--ro-bind", source, `/${name}`);
  }
  args.push("--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp");
  args.push("--perms", "0755", "--tmpfs", "/run", "--dir", "/sys");
  // Programs that want their temporary files to outlive a reboot get no such thing here.
  if (existsSync(path.join(sandbox.root, "var/tmp"))) {
    args.push("--perms", "1777", "--tmpfs", "/var/tmp");
  }
  for (const { source, target, writable } of sandbox.mounts ?? []) {
    args.push(writable === true ? "--bind" : "--ro-bind", source, target);
  }
  for (const folder of sandbox.chroots ?? []) {
    args.push("--proc", `${folder}/proc`, "--dev", `${folder}/dev`, "--tmpfs", `${folder}/tmp`);
    args.push("--tmpfs", `${folder}/run`);
  }
  for (const folder of sandbox.scratch ?? []) args.push("--perms", "0755", "--tmpfs", folder);
  args.push("--remount-ro", "/");
  for (const [name, value] of Object.entries({ ...environment, ...sandbox.env })) {
    args.push("--setenv", name, value);
  }
  args.push("--chdir", sandbox.cwd ?? "/tmp", "--");
  return args;
}

/** Runs a command inside a sandbox. Errors are those of {@link run}. */
export async function runInSandbox(
  sandbox: Sandbox,
  command: readonly string[],
  options: Omit<CommandOptions, "cwd" | "env"> = {},
): Promise<CommandResult> {
  const inSandbox = ["bwrap", ...sandboxArguments(sandbox), ...command];
  const [file = "", ...args] =
    sandbox.overlay === undefined ? inSandbox : await withOverlay(sandbox.overlay, inSandbox);
  return run(file, args, {
    step: command[0] ?? "sandbox",
    ...options,
  });
}

/**
 * The output of a shell command in a sandbox, waited for: for what cannot go on without it. Whatever
 * becomes of the command, its output is what there is.
 *
 * @param args of {@link sandboxArguments}
 */
export function shellOutput(args: readonly string[], command: string): string {
  return runToEnd("bwrap", [...args, "/bin/sh", "-c", command], 10_000);
}

/**
 * The tools that own a format (rpm, rpmbuild, dnf, createrepo_c, gpg), as a root of their own
 * from the base's lock: what they write does not depend on the host's versions.
 */
export interface Tools {
  /** Host folder to use as {@link Sandbox.root}. */
  readonly root: string;
  /** Over the packages it was made of. */
  readonly digest: string;
}
