import { readFile } from "node:fs/promises";
import path from "node:path";
import { run } from "@cleanroom/core";
import type { BuiltImage } from "@cleanroom/image-composer";
import { expect } from "vitest";
import { Container } from "../container.ts";
import { Desktop, panelIsPainted, until } from "../desktop.ts";
import type { Workspace } from "../../workspace.ts";
import type { Scene } from "./scene.ts";
import { stopsQuickly } from "./session.ts";

/** What the image has to be, by itself and in the engine; see first-screen.ts. */

/** What ran is what was composed, and what was composed is whole. */
export async function isTheImageComposed(
  { container }: Pick<Scene, "container">,
  workspace: Workspace,
  image: BuiltImage,
): Promise<void> {
  expect(await container.imageId(), "the image that ran").toBe(image.imageId);
  const { exitCode, stderr } = await workspace.cleanroom(["image", "verify", image.name]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
}

/** Composing it again finds nothing that the policy forbids. */
export async function keepsItsPolicy(workspace: Workspace, image: string): Promise<void> {
  const { exitCode, stderr } = await workspace.cleanroom(["up", image, "--no-run"]);
  expect(stderr, "what the policy says").not.toContain("forbidden");
  expect(exitCode).toBe(0);
}

export function isSmall({ unpackedBytes, compressedBytes }: BuiltImage): void {
  expect(unpackedBytes, "unpacked bytes").toBeLessThan(110 * 1024 * 1024);
  expect(compressedBytes, "compressed bytes").toBeLessThan(40 * 1024 * 1024);
}

export function packagesHaveNoX11({ packages }: BuiltImage): void {
  const names = packages.map(({ name }) => name).filter((name) => /x11|xcb|xorg/i.test(name));
  expect(names, "packages of X11").toEqual([]);
}

/** Neither asks any file for X11, nor gives any file another user's rights. */
export async function filesAreClean({ container }: Pick<Scene, "container">): Promise<void> {
  await container.withFiles(async (root) => {
    const { stdout } = await run("find", [root, "-type", "f", "-size", "+0"]);
    const asking: string[] = [];
    for (const file of stdout.trim().split("\n")) {
      const bytes = await readFile(file);
      if (bytes.subarray(0, 4).toString("latin1") !== "\u007fELF") continue;
      if (/\0lib(X\w+|xcb[\w-]*|wayland-\w+)\.so[.\d]*\0/.test(bytes.toString("latin1"))) {
        asking.push(path.relative(root, file));
      }
    }
    expect(asking, "files that ask for X11").toEqual([]);
    const { stdout: setuid } = await run("find", [root, "-perm", "/6000", "-printf", "/%P\n"]);
    expect(setuid, "setuid files").toBe("");
  });
}

/** Shows its panel under such options of the engine, without the session's help from outside. */
export async function runsWith(
  imageId: string,
  options: readonly string[],
  uid: string,
): Promise<void> {
  const container = await Container.start(`cleanroom-broadway-as-${uid}`, imageId, { options });
  try {
    await showsItsPanel(container);
    expect(await container.logs()).toContain(`session: uid ${uid}`);
    await stopsQuickly({ container });
  } finally {
    await container.remove();
  }
}

/** A browser shows the panel of a container of which nothing else is known. */
export async function showsItsPanel(container: Pick<Container, "url">): Promise<void> {
  const browser = await Desktop.openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await until("the page loads", async () => (await page.goto(await container.url()))?.ok());
    await until("the panel is painted", async () => panelIsPainted(page));
  } finally {
    await browser.close();
  }
}
