import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Generation } from "@cleanroom/repo-publisher";
import type { ImageContext, ImageRequest } from "@cleanroom/image-composer";
import { imageFolder } from "./image-folders.ts";
import { baseRepository, type Session, unknownName } from "./session.ts";

export async function checkImageName(session: Session, name: string): Promise<void> {
  const names = await session.names("image");
  if (!names.includes(name)) throw unknownName("image", name, names);
}

export async function imageContext(session: Session): Promise<ImageContext> {
  const base = await session.base();
  return { store: await session.store(), tools: base.tools, logger: session.logger };
}

/** What the composer needs to know of an image: its folder, and the repositories to draw from. */
export async function imageRequest(
  session: Session,
  name: string,
  published: Generation,
): Promise<ImageRequest> {
  const base = await session.base();
  return {
    name,
    folder: imageFolder(name),
    arch: base.file.arch,
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
