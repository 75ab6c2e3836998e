import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { CleanroomError, run, silentLogger, start, uniqueName } from "@cleanroom/core";
import { type ContainerEngine, type EngineName, findEngine } from "./container-engine.ts";
import type { ImageContext } from "../context.ts";
import { type BuiltImage, inspectImage } from "../describe/image-record.ts";
import { imageReference } from "../describe/oci-image.ts";
import {
  bracketed,
  checkAddress,
  checkPort,
  choosePorts,
  isLoopback,
  type PortRequest,
  type PublishedPort,
  urlOf,
} from "./publish-ports.ts";
import { saveImage } from "./save-image.ts";

export interface RunOptions {
  /** Name of the image. */
  readonly name: string;
  /** Its output folder. */
  readonly folder: string;
  /** Leave it running; else its output is passed through until it ends. */
  readonly detach?: boolean;
  readonly ports?: readonly PortRequest[];
  /** Host address for published ports; 127.0.0.1 when absent. */
  readonly bind?: string;
  /** The first one that answers when absent. */
  readonly engine?: EngineName;
  /** In place of the image's `cmd`. */
  readonly args?: readonly string[];
  /** Called when the ports are chosen, before the container starts. */
  readonly onPorts?: (ports: readonly PublishedPort[]) => void;
}

export interface RunningImage {
  readonly engine: EngineName;
  /** Name of the container. */
  readonly container: string;
  readonly ports: readonly PublishedPort[];
  /** Of a container that ran in the foreground. */
  readonly exitCode?: number;
}

/** The engines' own exit code for a container that could not be started. */
const engineFailed = 125;

export function containerName(image: string): string {
  return `cleanroom-${image}`;
}

/**
 * Runs a built image, in place of an earlier container of the same image. A container in the
 * foreground ends with this process, however it ends.
 *
 * @throws {CleanroomError} `image-missing`, `engine-missing`, `port-invalid`, `port-taken`,
 *   `address-unusable`, `container-failed`
 */
export async function runImage(context: ImageContext, options: RunOptions): Promise<RunningImage> {
  const { logger } = context;
  const image = await inspectImage(options.folder);
  const engine = await findEngine(logger, options.engine);
  const container = containerName(options.name);
  const address = options.bind ?? "127.0.0.1";
  // Before anything is replaced: an earlier container goes on when its successor can't start.
  const held = await portsOf(engine, container);
  const ports = await choosePorts(tcpPorts(image), options.ports ?? [], address, held);
  const replaced = await loadImage(context, engine, image, options.folder);
  await removeContainer(engine, container);
  // Not before: its container holds it. Another container may, too; then it stays, without a name.
  if (replaced !== undefined) await run(engine.name, ["rmi", replaced], { accept: [0, 1, 2] });
  for (const port of ports) {
    if (port.host !== port.container && (options.ports ?? []).length === 0) {
      logger.info(`port ${port.container} of ${address} is taken: ${port.host} stands in for it`);
    }
    const reach = isLoopback(address)
      ? " (from this machine alone: nobody is asked for a password; --bind opens it to others)"
      : "";
    logger.info(`${options.name} is at ${urlOf(port)}${reach}`);
    if (reach === "") logger.warning("nobody is asked for a password: who reaches it can use it");
  }
  const args = [
    ...[...engine.globalArguments, "run", "--name", container, "--pull=never"],
    ...engine.runArguments,
    ...(runsAsRoot(image) ? [] : ["--cap-drop=all", "--security-opt=no-new-privileges"]),
    ...ports.flatMap((port) => [
      "--publish",
      `${bracketed(address)}:${port.host}:${port.container}`,
    ]),
    options.detach === true ? "--detach" : "--rm",
    image.imageId.replace("sha256:", ""),
    ...(options.args ?? []),
  ];
  options.onPorts?.(ports);
  const running = { engine: engine.name, container, ports };
  if (options.detach === true) {
    await run(engine.name, args, { step: `run ${options.name}` });
    return running;
  }
  return { ...running, exitCode: await runInForeground(context, engine, container, args) };
}

/**
 * That what runImage is asked for can be had, before anything long begins.
 *
 * @throws {CleanroomError} `engine-missing`, `port-invalid`, `port-taken`, `address-unusable`
 */
export async function checkRunOptions({ name, ...options }: RunOptions): Promise<void> {
  const address = options.bind ?? "127.0.0.1";
  await checkAddress(address);
  const wanted = (options.ports ?? []).flatMap(({ host }) => (host === undefined ? [] : [host]));
  if (wanted.length === 0) return;
  const held = await portsOf(await findEngine(silentLogger, options.engine), containerName(name));
  for (const port of wanted) await checkPort(port, address, held);
}

/** Host ports that a container holds, if it runs. */
async function portsOf(engine: ContainerEngine, container: string): Promise<ReadonlySet<number>> {
  const { stdout } = await run(engine.name, ["port", container], { accept: [0, 1, engineFailed] });
  // 8080/tcp -> 127.0.0.1:8080
  return new Set([...stdout.matchAll(/:(\d+)$/gm)].map(([, port]) => Number(port)));
}

/**
 * Loads the image unless the engine has this very one.
 *
 * @returns the id of the image whose name it took
 */
async function loadImage(
  { store, logger }: ImageContext,
  engine: ContainerEngine,
  image: BuiltImage,
  folder: string,
): Promise<string | undefined> {
  const id = image.imageId.replace("sha256:", "");
  const reference = imageReference(image.name);
  const before = await imageId(engine, reference);
  if (before === id) return undefined;
  logger.info(`loading the image into ${engine.name}`);
  await store.withTemporaryFolder("load", async (temporary) => {
    const archive = path.join(temporary, "image.tar");
    await saveImage({ logger: silentLogger }, folder, archive);
    await run(engine.name, ["load", "--input", archive], { step: `load ${image.name}` });
  });
  return before;
}

async function imageId(engine: ContainerEngine, reference: string): Promise<string | undefined> {
  const { stdout, exitCode } = await run(
    engine.name,
    ["image", "inspect", "--format", "{{.Id}}", reference],
    { accept: [0, 1, 125] },
  );
  return exitCode === 0 ? stdout.trim().replace("sha256:", "") : undefined;
}

export async function removeContainer(
  engine: ContainerEngine,
  container: string,
  graceSeconds = 0,
): Promise<void> {
  if (graceSeconds > 0) {
    await run(engine.name, ["stop", "--time", String(graceSeconds), container], {
      accept: [0, 1, engineFailed],
    });
  }
  await run(engine.name, ["rm", "--force", "--volumes", container], {
    accept: [0, 1, engineFailed],
  });
}

function tcpPorts({ config }: BuiltImage): readonly number[] {
  const { ExposedPorts: exposed = {} } = config as { ExposedPorts?: Record<string, object> };
  return Object.keys(exposed)
    .filter((port) => port.endsWith("/tcp"))
    .map((port) => Number.parseInt(port, 10));
}

function runsAsRoot({ config }: BuiltImage): boolean {
  const { User: user = "" } = config as { User?: string };
  return user === "" || user.split(":")[0] === "0";
}

/**
 * The engine's monitor outlives everybody, so a watcher removes the container when this process
 * is gone: its standard input is a pipe that the kernel closes then, even after SIGKILL. The mark
 * tells a death from a normal end. It waits a moment first, for an engine that was just starting
 * the container.
 */
const watcher = `cat > /dev/null
[ -e "$1" ] || exit 0
for pause in 0 1 2; do sleep $pause; "$2" rm --force "$3"; done
rm -f "$1"`;

async function runInForeground(
  { store }: ImageContext,
  engine: ContainerEngine,
  container: string,
  args: readonly string[],
): Promise<number> {
  const mark = store.path("tmp", uniqueName("running"));
  await writeFile(mark, "");
  const watch = start("sh", ["-c", watcher, "watcher", mark, engine.name, container], {
    outlives: true,
  });
  try {
    const { exitCode } = await run(engine.name, args, {
      interactive: true,
      accept: Array.from({ length: 256 }, (_, code) => code),
    });
    if (exitCode === engineFailed) {
      throw new CleanroomError("container-failed", `${engine.name} could not run the container`, {
        place: { step: container },
        hint: `what it said stands above; ${engine.name} info shows how it is set up`,
      });
    }
    return exitCode;
  } finally {
    await rm(mark, { force: true });
    watch.endInput();
    await watch.ended;
  }
}
