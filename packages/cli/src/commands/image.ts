import path from "node:path";
import {
  type BuiltImage,
  buildImage,
  inspectImage,
  lockImage,
  readImageLock,
  runImage,
  saveImage,
} from "@cleanroom/image-composer";
import type { CommandModule } from "yargs";
import { imageOutput } from "../image-folders.ts";
import {
  checkImageName,
  forImages,
  imageArgument,
  imageContext,
  imageRequest,
  imagesArgument,
  type OptionalImage,
} from "../image-request.ts";
import { publishForImage } from "../publish-stack.ts";
import { type GlobalOptions, Session, workspace } from "../session.ts";
import { explainCommands } from "./image-explain.ts";

interface Options extends GlobalOptions {
  readonly image: string;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** @param packagesMax how many packages of a layer are named */
export function describeImage(image: BuiltImage, packagesMax = 3): string {
  return [
    `${image.name} ${image.digest}`,
    `  ${image.packages.length} packages, ${megabytes(image.unpackedBytes)} unpacked, ${megabytes(image.compressedBytes)} compressed`,
    ...image.layers.map(
      (layer) =>
        `  ${layer.digest.slice(0, 19)} ${megabytes(layer.unpackedBytes).padStart(9)}  ${describeContents(layer.packages, packagesMax)}`,
    ),
  ].join("\n");
}

function describeContents(packages: readonly string[], packagesMax: number): string {
  if (packages.length === 0) return "state";
  const others = packages.length - packagesMax;
  const named = packages.slice(0, packagesMax).join(" ");
  return others > 0 ? `${named} and ${others} more` : named;
}

async function lock(options: OptionalImage): Promise<void> {
  await forImages(options, async (session, image) => {
    const generation = await publishForImage(session, image);
    const request = await imageRequest(session, image, generation);
    const change = await lockImage(await imageContext(session), request);
    const words = change.lines.length === 0 ? ["the lock holds: nothing changed"] : change.lines;
    return { value: change, text: words.join("\n") };
  });
}

async function build(options: OptionalImage): Promise<void> {
  await forImages(options, async (session, image) => {
    const context = await imageContext(session);
    const generation = await publishForImage(session, image);
    const request = await imageRequest(session, image, generation);
    if ((await readImageLock(request.folder)) === undefined) await lockImage(context, request);
    const built = await buildImage(context, request, { output: imageOutput(image) });
    return { value: built, text: describeImage(built) };
  });
}

async function inspect(options: Options): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const image = await inspectImage(imageOutput(options.image));
  session.print(image, describeImage(image, Infinity));
}

async function save(options: Options & { readonly file?: string | undefined }): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const archive = path.resolve(
    options.file ?? path.join(workspace, "dist", `${options.image}.tar`),
  );
  await saveImage(await imageContext(session), imageOutput(options.image), archive);
  session.print({ archive }, archive);
}

async function runOne(options: Options): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const { exitCode } = await runImage(await imageContext(session), {
    name: options.image,
    folder: imageOutput(options.image),
  });
  process.exitCode = exitCode ?? 0;
}

export const imageCommand: CommandModule<object, GlobalOptions> = {
  command: "image",
  describe: "Images from the published repository",
  builder: (parser) =>
    explainCommands(parser)
      .command<OptionalImage>(
        "lock [image]",
        "Publish what it needs, resolve its packages and write image.lock.yaml",
        imagesArgument,
        lock,
      )
      .command<OptionalImage>(
        "build [image]",
        "Publish what it needs and build it from its lock",
        imagesArgument,
        build,
      )
      .command<Options>(
        "inspect [image]",
        "Its layers, packages and sizes",
        imageArgument as never,
        inspect,
      )
      .command<Options & { readonly file?: string }>(
        "save [image] [file]",
        "Write it as an archive for podman, docker and skopeo",
        (inner) => imageArgument(inner).positional("file", { type: "string" }) as never,
        save,
      )
      .command<Options>("run [image]", "Run it in the foreground", imageArgument as never, runOne)
      .demandCommand(
        1,
        "image what? lock, build, inspect, verify, why, diff, report, save, squash, index, push, key or run",
      ) as never,
  handler: () => undefined,
};
