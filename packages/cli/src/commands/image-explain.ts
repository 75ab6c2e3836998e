import { existsSync } from "node:fs";
import path from "node:path";
import {
  diffImages,
  inspectImage,
  type ListedImage,
  pushImage,
  readContents,
  reportImage,
  verifyImage,
  whyInImage,
} from "@cleanroom/image-composer";
import type { Argv } from "yargs";
import { imageOutput } from "../image-folders.ts";
import { checkImageName } from "../image-request.ts";
import { type GlobalOptions, Session, workspace } from "../session.ts";

interface Options extends GlobalOptions {
  readonly image: string;
}

async function verify(options: Options): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const { digest, layers } = await verifyImage(imageOutput(options.image));
  session.print(
    { digest, layers: layers.length },
    `${options.image} ${digest}: every digest is right`,
  );
}

async function why(options: Options & { readonly what: string }): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const { image, contents } = await listed(options.image);
  const reasons = whyInImage(image, contents, options.what);
  const lines = reasons.flatMap(({ chain, neededBy }) => [
    chain,
    ...neededBy.map((one) => `  ${one.package} needs ${one.capability}`),
  ]);
  session.print(reasons, lines.join("\n"));
}

async function diff(
  options: GlobalOptions & { readonly before: string; readonly after: string },
): Promise<void> {
  const session = new Session(options);
  const found = diffImages(await listed(options.before), await listed(options.after));
  session.print(found, found.lines.join("\n"));
}

/** A built image by its name or by its output folder, which may be a copy kept from before. */
async function listed(nameOrFolder: string): Promise<ListedImage> {
  const isFolder = nameOrFolder.includes("/") && existsSync(nameOrFolder);
  const folder = isFolder ? path.resolve(nameOrFolder) : imageOutput(nameOrFolder);
  return { image: await inspectImage(folder), contents: await readContents(folder) };
}

async function report(options: Options & { readonly file?: string | undefined }): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const file = path.resolve(options.file ?? path.join(workspace, "dist", `${options.image}.html`));
  await reportImage(imageOutput(options.image), file);
  session.print({ file }, file);
}

async function push(options: Options & { readonly reference: string }): Promise<void> {
  const session = new Session(options);
  await checkImageName(session, options.image);
  const context = { logger: session.logger };
  const pushed = await pushImage(context, imageOutput(options.image), options.reference);
  session.print(pushed, `${pushed.reference}@${pushed.digest}`);
}

const named = (parser: Argv): Argv =>
  parser.positional("image", { type: "string", demandOption: true });

/** The commands on an image that is built. */
export function explainCommands(parser: Argv): Argv {
  return parser
    .command<Options>(
      "verify <image>",
      "Read it again and check every digest",
      named as never,
      verify,
    )
    .command<Options & { readonly what: string }>(
      "why <image> <what>",
      "How a package, a file or a capability came in",
      ((inner: Argv) =>
        named(inner).positional("what", { type: "string", demandOption: true })) as never,
      why,
    )
    .command<GlobalOptions & { readonly before: string; readonly after: string }>(
      "diff <before> <after>",
      "Packages, files, sizes and layers of two images, by name or output folder",
      ((inner: Argv) =>
        inner
          .positional("before", { type: "string", demandOption: true })
          .positional("after", { type: "string", demandOption: true })) as never,
      diff,
    )
    .command<Options & { readonly file?: string }>(
      "report <image> [file]",
      "A page with a treemap, layers, dependencies and licences",
      ((inner: Argv) => named(inner).positional("file", { type: "string" })) as never,
      report,
    )
    .command<Options & { readonly reference: string }>(
      "push <image> <reference>",
      "Send it, with SBOMs and provenance, to REGISTRY/REPOSITORY:TAG",
      ((inner: Argv) =>
        named(inner).positional("reference", { type: "string", demandOption: true })) as never,
      push,
    );
}
