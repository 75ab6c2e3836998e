import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Generation } from "@cleanroom/repo-publisher";
import { type ImageContext, type ImageRequest, readImageFile } from "@cleanroom/image-composer";
import { readProfiles, ruleName } from "@cleanroom/spec-strip";
import type { Argv } from "yargs";
import { imageFolder } from "./image-folders.ts";
import { baseRepository, type GlobalOptions, Session, unknownName, workspace } from "./session.ts";

export async function checkImageName(session: Session, name: string): Promise<void> {
  const names = await session.names("image");
  if (!names.includes(name)) throw unknownName("image", name, names);
}

/** A command line that may name an image, and means all of them when it does not. */
export interface OptionalImage extends GlobalOptions {
  readonly image?: string | undefined;
}

/** The argument of commands that take all images when none is named. */
export function imagesArgument(parser: Argv): never {
  return parser.positional("image", {
    type: "string",
    describe: "A folder of specs/image; all when absent",
  }) as never;
}

/** The argument of commands on one image: the desktop when none is named, as with `up`. */
export function imageArgument(parser: Argv): Argv {
  return parser.positional("image", {
    type: "string",
    default: "broadway",
    describe: "A folder of specs/image",
  });
}

/**
 * Does something for the image that is named, or for each of the workspace's, and prints what came
 * of it: for all of them as one list.
 */
export async function forImages(
  options: OptionalImage,
  work: (
    session: Session,
    image: string,
  ) => Promise<{ readonly value: unknown; readonly text: string }>,
): Promise<void> {
  const session = new Session(options);
  if (options.image !== undefined) {
    await checkImageName(session, options.image);
    const { value, text } = await work(session, options.image);
    session.print(value, text);
    return;
  }
  const values: unknown[] = [];
  const texts: string[] = [];
  for (const name of await session.names("image")) {
    const { value, text } = await work(session, name);
    values.push(value);
    texts.push(`${name}:\n${text}`);
  }
  session.print(values, texts.join("\n"));
}

export async function imageContext(session: Session): Promise<ImageContext> {
  const base = await session.base();
  const { tools, compressor, locales } = base;
  return { store: await session.store(), tools, compressor, locales, logger: session.logger };
}

/** What the composer needs to know of an image: its folder, and the repositories to draw from. */
export async function imageRequest(
  session: Session,
  name: string,
  published: Generation,
): Promise<ImageRequest> {
  const base = await session.base();
  const folder = imageFolder(name);
  const { policy } = await readImageFile(folder);
  const profiles = await readProfiles(workspace, policy.profiles);
  return {
    name,
    folder,
    arch: base.file.arch,
    forbid: profiles.flatMap(({ forbid }) =>
      forbid.map((rule) => ({ name: ruleName(rule), matches: rule.matches })),
    ),
    repositories: [
      {
        id: "cleanroom",
        location: { folder: published.folder },
        priority: 1,
        digest: published.id,
        publicKey: await readFile(path.join(published.folder, "RPM-GPG-KEY-cleanroom"), "utf8"),
      },
      baseRepository(base),
    ],
  };
}
