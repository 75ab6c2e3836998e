import { readFile } from "node:fs/promises";
import path from "node:path";
import { currentGeneration, type Generation } from "@cleanroom/repo-publisher";
import { CleanroomError } from "@cleanroom/core";
import type { ImageContext, ImageRequest } from "@cleanroom/image-composer";
import { baseRepository, type Session, unknownName, workspace } from "./session.ts";

export function imageFolder(name: string): string {
  return path.join(workspace, "specs/image", name);
}

/** Where an image's output goes. */
export function imageOutput(name: string): string {
  return path.join(workspace, "dist/images", name);
}

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
  generation?: Generation,
): Promise<ImageRequest> {
  const base = await session.base();
  const published = generation ?? (await currentGeneration(await session.store()));
  if (published === undefined) {
    throw new CleanroomError("nothing-published", "no generation has been published yet", {
      exitCode: 2,
      hint: `./cleanroom repo publish, or ./cleanroom up ${name}`,
    });
  }
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
