import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type CommandOptions, type CommandResult, run } from "@cleanroom/core";

const original = path.resolve(import.meta.dirname, "..");

const anyExitCode = Array.from({ length: 256 }, (_, code) => code);

/** A copy of this workspace that a test may change, with the same store. */
export class Workspace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** The workspace as it stands, uncommitted changes included, as a repository of its own. */
  static async copy(): Promise<Workspace> {
    const folder = await mkdtemp(path.join(tmpdir(), "workspace-"));
    const { stdout } = await run("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
      cwd: original,
    });
    for (const file of stdout.split("\0")) {
      if (file === "") continue;
      await cp(path.join(original, file), path.join(folder, file), {
        verbatimSymlinks: true,
      }).catch(ignoreMissing);
    }
    await modulesAreCurrent();
    await symlink(path.join(original, "node_modules"), path.join(folder, "node_modules"));
    const workspace = new Workspace(folder);
    await workspace.git("init", "--quiet", "--initial-branch=main");
    await workspace.git("add", "-A");
    await workspace.commit("as it stands");
    return workspace;
  }

  path(...names: readonly string[]): string {
    return path.join(this.folder, ...names);
  }

  async git(...args: readonly string[]): Promise<string> {
    return (await run("git", args, { cwd: this.folder })).stdout;
  }

  async commit(message: string): Promise<void> {
    const who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
    await this.git(...who, "commit", "--quiet", "--allow-empty", "--all", "--message", message);
  }

  /** A new file, or another text for one. */
  async write(file: string, text: string): Promise<void> {
    await mkdir(path.dirname(this.path(file)), { recursive: true });
    await writeFile(this.path(file), text);
  }

  /** Changes a file by a function of its text. */
  async edit(file: string, change: (text: string) => string): Promise<void> {
    const before = await readFile(this.path(file), "utf8");
    const after = change(before);
    if (after === before) throw new Error(`the edit of ${file} changes nothing`);
    await writeFile(this.path(file), after);
  }

  /** Runs ./cleanroom; any exit code is a result. */
  async cleanroom(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return run(this.path("cleanroom"), args, {
      cwd: this.folder,
      accept: anyExitCode,
      ...options,
    });
  }

  /** Runs nx as README does; any exit code is a result. */
  async nx(...args: readonly string[]): Promise<CommandResult> {
    return this.cleanroom(["nx", ...args], {
      env: { ...environment(), NX_TUI: "false", CI: "true", NO_COLOR: "1" },
    });
  }
}

/**
 * The copy's launcher would run `npm ci` where the lock differs from what is installed, and empty
 * the original's node_modules through the link.
 */
async function modulesAreCurrent(): Promise<void> {
  const [lock, installed] = await Promise.all(
    ["package-lock.json", "node_modules/.cleanroom-package-lock.json"].map((name) =>
      readFile(path.join(original, name), "utf8").catch(() => ""),
    ),
  );
  if (lock !== installed) throw new Error("node_modules is out of date: run ./cleanroom --version");
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      // What vitest sets for its own workers is not for the commands under test.
      value === undefined || /^(VITEST|NODE_OPTIONS|NX_)/.test(name) ? [] : [[name, value]],
    ),
  );
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  // Listed by git and deleted in the working tree.
  if (error.code !== "ENOENT") throw error;
}
