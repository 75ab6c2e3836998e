import { CleanroomError, type Logger, run, silentLogger } from "@cleanroom/core";
import { type EngineName, findEngine } from "./container-engine.ts";
import { containerName, removeContainer } from "./run-image.ts";

/** The container of an image, as its engine sees it. */
export interface ImageStatus {
  readonly image: string;
  readonly container: string;
  readonly engine: EngineName;
  readonly state: "absent" | "created" | "running" | "paused" | "exited" | "other";
  /** Of a container that has ended. */
  readonly exitCode?: number;
  /** Host addresses and ports (`127.0.0.1:8080`) of a container that runs. */
  readonly published: readonly string[];
}

const states = ["created", "running", "paused", "exited"] as const;

export async function imageStatus(image: string): Promise<ImageStatus> {
  const engine = await findEngine(silentLogger);
  const container = containerName(image);
  const { stdout, exitCode } = await run(
    engine.name,
    ["container", "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", container],
    { accept: [0, 1, 125] },
  );
  const common = { image, container, engine: engine.name };
  if (exitCode !== 0) return { ...common, state: "absent", published: [] };
  const [word, code] = stdout.trim().split(" ");
  const state = states.find((known) => known === word) ?? "other";
  const published = state === "running" ? await publishedAt(engine.name, container) : [];
  return { ...common, state, published, ...(state === "exited" ? { exitCode: Number(code) } : {}) };
}

/** `8080/tcp -> 127.0.0.1:8080`, one line for each port; the container may end meanwhile. */
async function publishedAt(engine: EngineName, container: string): Promise<string[]> {
  const { stdout } = await run(engine, ["port", container], { accept: [0, 1, 125] });
  return [...stdout.matchAll(/ -> (\S+)$/gm)].map(([, published]) => published!);
}

/**
 * What the container of an image has printed so far, both outputs.
 *
 * @throws {CleanroomError} `container-missing`
 */
export async function imageLogs(image: string): Promise<string> {
  const { engine, container } = await thereIs(image);
  const { stdout, stderr } = await run(engine, ["logs", container]);
  return stdout + stderr;
}

/**
 * Passes through what the container of an image prints, from its start until it ends.
 *
 * @throws {CleanroomError} `container-missing`
 */
export async function followImageLogs(image: string): Promise<void> {
  const { engine, container } = await thereIs(image);
  await run(engine, ["logs", "--follow", container], { interactive: true });
}

async function thereIs(image: string): Promise<ImageStatus> {
  const status = await imageStatus(image);
  if (status.state !== "absent") return status;
  throw new CleanroomError("container-missing", `${image} is not running`, {
    exitCode: 2,
    hint: `./cleanroom up ${image} --detach`,
  });
}

/**
 * Stops the container of an image and removes it.
 *
 * @returns whether there was one
 */
export async function downImage(logger: Logger, image: string): Promise<boolean> {
  const { state, container } = await imageStatus(image);
  if (state === "absent") return false;
  const engine = await findEngine(silentLogger);
  if (state === "running") logger.info(`stopping ${container}`);
  await removeContainer(engine, container, 10);
  return true;
}
