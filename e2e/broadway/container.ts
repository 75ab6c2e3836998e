import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { run, silentLogger } from "@cleanroom/core";
import { type BuiltImage, findEngine, inspectImage } from "@cleanroom/image-composer";
import type { Workspace } from "../workspace.ts";

/** What a container gets that is not as the image says. */
export interface Changes {
  /** Options for the engine. */
  readonly options?: readonly string[];
  /** In place of the image's entry point, with its arguments. */
  readonly entrypoint?: readonly [string, ...string[]];
  /** Contents of files, by their path in the container. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly mode?: number;
}

/** Builds and starts an image as a user does. */
export async function bringUp(
  workspace: Workspace,
  image: string,
): Promise<{ readonly container: Container; readonly url: string; readonly image: BuiltImage }> {
  const { exitCode, stdout, stderr } = await workspace.cleanroom([
    ...["up", image, "--detach", "--json"],
  ]);
  if (exitCode !== 0) throw new Error(`up ${image} failed:\n${stderr}`);
  const { engine, container, url } = JSON.parse(stdout) as Record<string, string>;
  return {
    container: new Container(engine!, container!),
    url: url!,
    image: await inspectImage(workspace.path("dist/images", image)),
  };
}

/** Builds an image and gives it to the engine, by way of an archive, as README says. */
export async function loadImage(workspace: Workspace, image: string): Promise<BuiltImage> {
  for (const args of [
    ["up", image, "--no-run"],
    ["image", "save", image],
  ]) {
    const { exitCode, stderr } = await workspace.cleanroom(args);
    if (exitCode !== 0) throw new Error(`${args.join(" ")} failed:\n${stderr}`);
  }
  const engine = await findEngine(silentLogger);
  await run(engine.name, ["load", "--input", workspace.path("dist", `${image}.tar`)]);
  return inspectImage(workspace.path("dist/images", image));
}

/** A container, from outside. */
export class Container {
  readonly engine: string;
  readonly name: string;

  constructor(engine: string, name: string) {
    this.engine = engine;
    this.name = name;
  }

  /** Runs an image with changes, as `up` would. */
  static async start(name: string, imageId: string, changes: Changes = {}): Promise<Container> {
    const { name: engine, globalArguments, runArguments } = await findEngine(silentLogger);
    const container = new Container(engine, name);
    await container.remove();
    const [program, ...args] = changes.entrypoint ?? [];
    await run(engine, [
      ...globalArguments,
      ...["create", "--name", name, "--pull=never", ...runArguments],
      ...["--cap-drop=all", "--security-opt=no-new-privileges", "--publish=127.0.0.1::8080"],
      ...(program === undefined ? [] : [`--entrypoint=${program}`]),
      ...(changes.options ?? []),
      imageId.replace("sha256:", ""),
      ...args,
    ]);
    const folder = await mkdtemp(path.join(tmpdir(), "container-files-"));
    try {
      for (const [file, content] of Object.entries(changes.files ?? {})) {
        const copy = path.join(folder, path.basename(file));
        await writeFile(copy, content);
        await run("chmod", [(changes.mode ?? 0o644).toString(8), copy]);
        await run(engine, ["cp", copy, `${name}:${file}`]);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    await run(engine, [...globalArguments, "start", name]);
    return container;
  }

  async url(): Promise<string> {
    const { stdout } = await run(this.engine, ["port", this.name, "8080/tcp"]);
    return `http://${stdout.trim().split("\n")[0]}/`;
  }

  /** Runs a command as the container's user. */
  async exec(command: readonly string[]): Promise<string> {
    return (await run(this.engine, ["exec", this.name, ...command])).stdout;
  }

  /** A file as it is now, whether or not the container has a program to print it. */
  async file(name: string): Promise<Buffer> {
    const folder = await mkdtemp(path.join(tmpdir(), "container-file-"));
    try {
      const copy = path.join(folder, "copy");
      await run(this.engine, ["cp", `${this.name}:${name}`, copy]);
      return await readFile(copy);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async logs(): Promise<string> {
    const { stdout, stderr } = await run(this.engine, ["logs", this.name]);
    return stdout + stderr;
  }

  /** `sha256:...` of the configuration of the image that it was started from. */
  async imageId(): Promise<string> {
    return `sha256:${(await this.inspect("{{.Image}}")).replace("sha256:", "")}`;
  }

  async inspect(format: string): Promise<string> {
    const { stdout } = await run(this.engine, ["inspect", "--format", format, this.name]);
    return stdout.trim();
  }

  /** Its processes: state (`Z` is a zombie), id (docker gives the host's), command line. */
  async processes(): Promise<readonly { state: string; pid: number; command: string }[]> {
    const columns = "state,pid,args";
    const { stdout } = await run(this.engine, [
      ...["top", this.name],
      ...(this.engine === "docker" ? ["-eo", columns] : [columns]),
    ]);
    return stdout
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => {
        const [state = "", pid = "", ...command] = line.trim().split(/\s+/);
        return { state, pid: Number(pid), command: command.join(" ") };
      });
  }

  /** Stops it as a user would. */
  async stop(graceSeconds = 10): Promise<{ timeMs: number; exitCode: number }> {
    const startedMs = performance.now();
    await run(this.engine, ["stop", "--time", String(graceSeconds), this.name]);
    const timeMs = performance.now() - startedMs;
    return { timeMs, exitCode: Number(await this.inspect("{{.State.ExitCode}}")) };
  }

  /** All its files in a folder, for as long as the action takes. */
  async withFiles<T>(action: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(path.join(tmpdir(), "container-root-"));
    try {
      const archive = `${folder}.tar`;
      await run(this.engine, ["export", "--output", archive, this.name]);
      await run("tar", [
        ...["--extract", "--file", archive, "--directory", folder, "--same-permissions"],
      ]);
      await rm(archive);
      return await action(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async remove(): Promise<void> {
    await run(this.engine, ["kill", this.name], { accept: [0, 1, 125] });
    await run(this.engine, ["rm", "--force", this.name], { accept: [0, 1, 125] });
  }
}
