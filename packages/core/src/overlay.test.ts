import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { removeFolder } from "./files.ts";
import { overlayLowersMax, overlaysWork, withOverlay } from "./overlay.ts";
import { run } from "./run.ts";

test("as many folders as it says are shown at once, the topmost first", async ({ skip }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "overlay-"));
  if (!(await overlaysWork(folder))) skip("no overlays here");
  const at = (name: string): string => path.join(folder, name);
  const lowers = Array.from({ length: overlayLowersMax }, (_, index) =>
    // As long as the store's are.
    at(`${"lower".padEnd(60, "-")}${index}/files`),
  );
  for (const [index, lower] of lowers.entries()) {
    await mkdir(lower, { recursive: true });
    await writeFile(path.join(lower, `own${index}`), "");
    await writeFile(path.join(lower, "shared"), `${index}`);
  }
  for (const name of ["upper", "work", "target"]) await mkdir(at(name));
  const [command = "", ...args] = await withOverlay(
    { lowers, upper: at("upper"), work: at("work"), target: at("target") },
    ["sh", "-ec", 'cd "$1"; ls own* | wc -l; cat shared', "sh", at("target")],
  );
  expect((await run(command, args)).stdout).toBe(`${overlayLowersMax}\n0`);
  await removeFolder(folder);
});
