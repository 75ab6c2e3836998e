import { existsSync } from "node:fs";
import path from "node:path";
import {
  diffImages,
  imageKey,
  indexImages,
  inspectImage,
  type ListedImage,
  pushImage,
  readContents,
  reportImage,
  squashImage,
  squashLines,
  verifyImage,
  whyInImage,
} from "@cleanroom/image-composer";
import type { Argv } from "yargs";
import { imageOutput } from "../image-folders.ts";
import {
  checkImageName,
  forImages,
  imageArgument,
  imageContext,
  imagesArgument,
  type OptionalImage,
} from "../image-request.ts";
import { type GlobalOptions, Session, workspace } from "../session.ts";

interface Options extends GlobalOptions {
  readonly image: string;
}

async function verify(options: OptionalImage): Promise<void> {
  await forImages(options, async (_session, image) => {
    const { digest, layers } = await verifyImage(imageOutput(image));
    return {
      value: { image, digest, layers: layers.length },
      text: `${image} ${digest}: every digest is right`,
    };
  });
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

async function push(
  options: GlobalOptions & {
    readonly image: string;
    readonly reference: string;
    readonly sign: boolean;
  },
): Promise<void> {
  const session = new Session(options);
  const folder = await outputFolder(session, options.image);
  const key = options.sign ? await imageKey(await session.store()) : undefined;
  const pushed = await pushImage({ logger: session.logger }, folder, options.reference, key);
  session.print(pushed, `${pushed.reference}@${pushed.digest}`);
}

/** An image of the workspace by its name, or an output folder. */
async function outputFolder(session: Session, nameOrFolder: string): Promise<string> {
  if (nameOrFolder.includes("/") && existsSync(nameOrFolder)) return path.resolve(nameOrFolder);
  await checkImageName(session, nameOrFolder);
  return imageOutput(nameOrFolder);
}

async function key(options: GlobalOptions): Promise<void> {
  const session = new Session(options);
  const { publicKey } = await imageKey(await session.store());
  session.print({ publicKey }, publicKey);
}

async function index(
  options: GlobalOptions & { readonly folder: string; readonly images: readonly string[] },
): Promise<void> {
  const session = new Session(options);
  const output = path.resolve(options.folder);
  const folders: string[] = [];
  for (const image of options.images) folders.push(await outputFolder(session, image));
  const found = await indexImages(path.basename(output), folders, output);
  const lines = found.images.map(({ platform, digest }) => `  ${platform} ${digest}`);
  session.print(found, [`${output} ${found.digest}`, ...lines].join("\n"));
}

async function squash(
  options: GlobalOptions & { readonly source: string; readonly file?: string | undefined },
): Promise<void> {
  const session = new Session(options);
  const names = await session.names("image");
  const isOwn = names.includes(options.source);
  const source = isOwn ? path.join(imageOutput(options.source), "oci") : options.source;
  if (isOwn) await inspectImage(imageOutput(options.source));
  const name = squashedName(options.source);
  const archive = path.resolve(options.file ?? path.join(workspace, "dist", `${name}.tar`));
  const squashed = await squashImage(await imageContext(session), source, name, archive);
  session.print(squashed, [...squashLines(squashed), archive].join("\n"));
}

/** `hello` and `registry.example.org/me/hello:1` become `hello-squashed`. */
function squashedName(source: string): string {
  const last = path.basename(source).replace(/(:[^:]*|@.*|\.tar(\.\w+)?)$/, "");
  return `${last
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "")}-squashed`;
}

const named = (parser: Argv): Argv =>
  parser.positional("image", { type: "string", demandOption: true });

/** The commands on an image that is built. */
export function explainCommands(parser: Argv): Argv {
  return parser
    .command<OptionalImage>(
      "verify [image]",
      "Read it again and check every digest",
      imagesArgument,
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
      "report [image] [file]",
      "A page with a treemap, layers, dependencies and licences",
      ((inner: Argv) => imageArgument(inner).positional("file", { type: "string" })) as never,
      report,
    )
    .command<GlobalOptions & { readonly source: string; readonly file?: string }>(
      "squash <source> [file]",
      "One layer of any image (name, layout, archive or reference), and what was hidden in it",
      ((inner: Argv) =>
        inner
          .positional("source", { type: "string", demandOption: true })
          .positional("file", { type: "string" })) as never,
      squash,
    )
    .command<GlobalOptions & { readonly folder: string; readonly images: readonly string[] }>(
      "index <folder> <images..>",
      "Images for several platforms under one name, as a folder that push takes",
      ((inner: Argv) =>
        inner
          .positional("folder", { type: "string", demandOption: true })
          .positional("images", { type: "string", array: true, demandOption: true })) as never,
      index,
    )
    .command<GlobalOptions>(
      "key",
      "The public key that pushed images are signed for",
      ((inner: Argv) => inner) as never,
      key,
    )
    .command<Options & { readonly reference: string; readonly sign: boolean }>(
      "push <image> <reference>",
      "Send it signed, with SBOMs and provenance, to REGISTRY/REPOSITORY:TAG",
      ((inner: Argv) =>
        named(inner)
          .positional("reference", { type: "string", demandOption: true })
          .option("sign", {
            type: "boolean",
            default: true,
            describe: "Sign it, as cosign does (--no-sign: not)",
          })) as never,
      push,
    );
}
