import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { removeFolder } from "@cleanroom/core";

/** All that tests write to the temporary folder is in one of its own, and gone when they are through. */
export default async function temporaryFiles(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "cleanroom-tests-"));
  process.env["TMPDIR"] = folder;
  return async () => removeFolder(folder);
}
