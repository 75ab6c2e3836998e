import path from "node:path";
import { workspace } from "./session.ts";

/** Where an image is described: image.yaml, image.lock.yaml and files/. */
export function imageFolder(name: string): string {
  return path.join(workspace, "specs/image", name);
}

/** Where an image's output goes. */
export function imageOutput(name: string): string {
  return path.join(workspace, "dist/images", name);
}
