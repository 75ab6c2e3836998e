import { downImage, followImageLogs, imageLogs, imageStatus } from "@cleanroom/image-composer";
import type { Argv, CommandModule } from "yargs";
import { checkImageName } from "../image-request.ts";
import { type GlobalOptions, Session } from "../session.ts";

interface Options extends GlobalOptions {
  readonly image: string;
  readonly follow?: boolean | undefined;
}

const command = (
  name: string,
  describe: string,
  handler: (session: Session, options: Options) => Promise<void>,
  builder = (parser: Argv): Argv => parser,
): CommandModule<object, Options> => ({
  command: `${name} [image]`,
  describe,
  builder: (parser) =>
    builder(parser.positional("image", { type: "string", default: "broadway" })) as never,
  handler: async (options) => {
    const session = new Session(options);
    await checkImageName(session, options.image);
    await handler(session, options);
  },
});

/** The commands on the container that `up` started. */
export const runningImageCommands = {
  down: command("down", "Stop and remove the running image", async (session, { image }) => {
    const stopped = await downImage(session.logger, image);
    session.print({ image, stopped }, stopped ? `${image} is stopped` : `${image} was not running`);
  }),
  logs: command(
    "logs",
    "What the running image printed",
    async (session, { image, follow, json }) => {
      if (follow === true && !json) return followImageLogs(image);
      const logs = await imageLogs(image);
      session.print({ image, logs }, logs);
    },
    (parser) =>
      parser.option("follow", {
        alias: "f",
        type: "boolean",
        describe: "And what it prints from now on, until it ends",
      }),
  ),
  status: command("status", "Whether the image runs", async (session, { image }) => {
    const status = await imageStatus(image);
    const urls = status.published.map((published) => ` at http://${published}/`);
    session.print(status, `${image}: ${status.state}${urls.join(",")}`);
    if (status.state !== "running") process.exitCode = 1;
  }),
};
