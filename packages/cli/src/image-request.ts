import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Generation } from "@cleanroom/repo-publisher";
import { type ImageContext, type ImageRequest, readImageFile } from "@cleanroom/image-composer";
import { readProfiles, ruleName } from "@cleanroom/spec-strip";
import { imageFolder } from "./image-folders.ts";
import { baseRepository, type Session, unknownName, workspace } from "./session.ts";

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
