import {
  buildImage,
  checkRunOptions,
  lockImage,
  runImage,
  type RunningImage,
  type RunOptions,
  urlOf,
} from "@cleanroom/image-composer";
import type { CommandModule } from "yargs";
import { imageOutput } from "../image-folders.ts";
import { openInBrowser } from "../open-in-browser.ts";
import { checkImageName, imageContext, imageRequest } from "../image-request.ts";
import { publishForImage } from "../publish-stack.ts";
import { type GlobalOptions, Session } from "../session.ts";
import { describeImage } from "./image.ts";

interface Options extends GlobalOptions {
  readonly image: string;
  readonly run: boolean;
  readonly detach: boolean;
  readonly open: boolean;
  readonly bind: string;
  readonly port?: number | undefined;
}

async function up(options: Options): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const output = imageOutput(options.image);
  const runOptions: RunOptions = {
    name: options.image,
    folder: output,
    detach: options.detach,
    bind: options.bind,
    ...(options.port === undefined ? {} : { ports: [{ host: options.port }] }),
  };
  if (options.run) await checkRunOptions(runOptions);
  const context = await imageContext(session);
  const generation = await publishForImage(session, options.image);
  const request = await imageRequest(session, options.image, generation);
  const change = await lockImage(context, request);
  for (const line of change.lines) session.logger.info(line);
  const image = await buildImage(context, request, { output });
  session.logger.info(describeImage(image));
  if (!options.run) {
    session.print(image, output);
    return;
  }
  const running = await runImage(context, {
    ...runOptions,
    onPorts: (ports) => {
      const url = firstUrl(ports);
      if (options.open && url !== undefined) void openInBrowser(session.logger, url);
    },
  });
  const url = firstUrl(running.ports);
  if (options.detach) session.print({ ...running, url }, url ?? running.container);
  process.exitCode = running.exitCode ?? 0;
}

/** Where a browser finds what runs: at its first port. */
function firstUrl([port]: RunningImage["ports"]): string | undefined {
  return port === undefined ? undefined : urlOf(port);
}

export const upCommand: CommandModule<object, Options> = {
  command: "up [image]",
  describe: "Build what an image needs, publish, compose and run it",
  builder: (parser) =>
    parser
      .positional("image", {
        type: "string",
        default: "broadway",
        describe: "A folder of specs/image",
      })
      .option("run", { type: "boolean", default: true, describe: "--no-run stops after composing" })
      .option("detach", {
        type: "boolean",
        default: false,
        describe: "Leave it running; its URL is the last line on standard output",
      })
      .option("open", {
        type: "boolean",
        default: false,
        describe: "Show it in this machine's browser when it answers",
      })
      .option("port", { type: "number", describe: "Host port for the image's first port" })
      .option("bind", {
        type: "string",
        default: "127.0.0.1",
        describe: "Address to publish ports at",
      }) as never,
  handler: up,
};
