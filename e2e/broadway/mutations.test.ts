import path from "node:path";
import type { BuiltImage } from "@cleanroom/image-composer";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Workspace } from "../workspace.ts";
import {
  editorSavesWhatWasTyped,
  filesAreClean,
  fontsHaveEveryLetter,
  hasNoZombie,
  iconsAreDrawn,
  killedProgramIsShown,
  launchesByClick,
  looksAsItShould,
  panelShowsEveryApplication,
  processesMapNoX11,
  type Scene,
  scripts,
  sessionSurvivesReload,
  stopsQuickly,
  tenWindowsOpenAndClose,
  terminalRunsAsUser,
} from "./checks.ts";
import { bringUp, type Changes, Container } from "./container.ts";
import { Desktop, setPatience, until } from "./desktop.ts";

/** The image, broken on purpose: every check of the smoke test notices. */

// What is broken is no reference.
delete process.env["UPDATE_SCREENSHOTS"];

const screenshots = path.resolve(import.meta.dirname, "../../dist/screenshots/mutations");

let workspace: Workspace;
let image: BuiltImage;
/** The image as it is, to take files from. */
let whole: Container;
let container: Container | undefined;
let desktop: Desktop | undefined;

beforeAll(async () => {
  workspace = await Workspace.copy();
  ({ container: whole, image } = await bringUp(workspace, "broadway"));
});

afterAll(async () => {
  await workspace?.cleanroom(["down", "broadway"]);
});

afterEach(async () => {
  setPatience(20_000);
  await desktop?.close();
  desktop = undefined;
  await container?.remove();
  container = undefined;
});

async function broken(changes: Changes): Promise<{ readonly container: Container }> {
  container = await Container.start("cleanroom-broadway-broken", image.imageId, changes);
  return { container };
}

/** A broken desktop in a browser; what does not come soon does not come at all. */
async function brokenScene(changes: Changes): Promise<Scene> {
  const scene = await broken(changes);
  desktop = await Desktop.open(
    await scene.container.url(),
    async (command) => scene.container.exec(command),
    screenshots,
  );
  await until("the panel answers", async () => (await desktop?.panel())?.launcherOpen);
  setPatience(5000);
  return { ...scene, desktop };
}

/** A file of the image with a change. */
async function changed(
  file: string,
  change: (text: string) => string,
): Promise<Record<string, string>> {
  const text = (await whole.file(file)).toString();
  const after = change(text);
  if (after === text) throw new Error(`the change of ${file} changes nothing`);
  return { [file]: after };
}

const panelFolder = "/usr/share/broadway-panel";
const notesFile = "/usr/share/broadway/applications/l3afpad.desktop";

test("a page that does not load", async () => {
  setPatience(5000);
  const { container: running } = await broken({ options: ["--env=BROADWAY_DAEMON=/bin/false"] });
  await expect(
    Desktop.open(await running.url(), async (command) => running.exec(command), screenshots),
  ).rejects.toThrow("the page loads");
});

test("an application that is hidden", async () => {
  const files = await changed(notesFile, (text) => `${text}NoDisplay=true\n`);
  await expect(panelShowsEveryApplication(await brokenScene({ files }))).rejects.toThrow(
    "to deeply equal",
  );
});

test("an icon that is empty", async () => {
  const icon = "/usr/share/icons/hicolor/scalable/apps/org.cleanroom.Notes.svg";
  const files = { [icon]: '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>' };
  await expect(iconsAreDrawn(await brokenScene({ files }))).rejects.toThrow("icon of l3afpad");
});

test("a panel of another colour", async () => {
  const files = await changed(`${panelFolder}/panel.css`, (text) =>
    text.replace(".broadway-panel {\n  background: #141a28;", ".broadway-panel { background: red;"),
  );
  await expect(looksAsItShould(await brokenScene({ files }), "first-screen")).rejects.toThrow(
    "cells of first-screen",
  );
});

test("a script that no font has", async () => {
  const texts = { ...scripts, Hiragana: "ひらがな" };
  await expect(fontsHaveEveryLetter(await broken({}), texts)).rejects.toThrow(
    "what the fonts lack: Sans 10, Hiragana: 4 glyphs",
  );
});

test("an application that does not start", async () => {
  const files = await changed(notesFile, (text) => text.replace("Exec=l3afpad %f", "Exec=false"));
  const scene = await brokenScene({ files });
  await expect(launchesByClick(scene)).rejects.toThrow("l3afpad.desktop shows a window");
  await expect(tenWindowsOpenAndClose(scene)).rejects.toThrow(/there are \d+ windows/);
});

test("an editor that cannot save", async () => {
  const options = ["--read-only", "--tmpfs=/run:mode=1777", "--tmpfs=/tmp:mode=1777"];
  await expect(editorSavesWhatWasTyped(await brokenScene({ options }))).rejects.toThrow(
    "the file has the text",
  );
});

test("a terminal that says another user", async () => {
  const files = { "/usr/bin/id": "#!/bin/sh\necho 0\n" };
  await expect(terminalRunsAsUser(await brokenScene({ files, mode: 0o755 }))).rejects.toThrow(
    "what id -u gives in the terminal",
  );
});

test("a panel that hides deaths", async () => {
  const files = await changed(`${panelFolder}/programs.js`, (text) =>
    text.replace('return program.closing === 0 && ("signal"', 'return false && ("signal"'),
  );
  await expect(killedProgramIsShown(await brokenScene({ files }))).rejects.toThrow(
    "the panel shows who died",
  );
});

test("a process 1 that reaps nobody", async () => {
  const scene = await broken({ entrypoint: ["/usr/bin/bash", "-c", "sleep 0 & exec sleep 60"] });
  await until("somebody has ended", async () =>
    (await scene.container.processes()).some(({ state }) => state.startsWith("Z")),
  );
  await expect(hasNoZombie(scene)).rejects.toThrow("zombies");
});

test("a session that a reload ends", async () => {
  const scene = await brokenScene({});
  const { page } = scene.desktop;
  const reload = page.reload.bind(page);
  page.reload = async () => {
    const { programs } = await scene.desktop.panel();
    await scene.container.exec(["bash", "-c", `kill ${programs.map(({ pid }) => pid).join(" ")}`]);
    return reload();
  };
  await expect(sessionSurvivesReload(scene)).rejects.toThrow("the window is back");
});

test("a container that does not listen to SIGTERM", async () => {
  const scene = await broken({
    entrypoint: ["/usr/bin/bash", "-c", "trap '' TERM; while :; do sleep 1; done"],
  });
  await expect(stopsQuickly(scene)).rejects.toThrow("exit code");
});

test("X11 in a process", async () => {
  const library = "/usr/lib/x86_64-linux-gnu/libfribidi.so.0";
  const scene = await brokenScene({
    files: { "/usr/lib64/libX11.so.6": await whole.file(library) },
    mode: 0o755,
    options: ["--env=LD_PRELOAD=/usr/lib64/libX11.so.6"],
  });
  await expect(processesMapNoX11(scene)).rejects.toThrow("X11 that processes map");
});

test("X11 in a file", async () => {
  const files = { "/usr/bin/asks": "\u007fELF\0libX11.so.6\0" };
  await expect(filesAreClean(await broken({ files }))).rejects.toThrow("files that ask for X11");
});

test("a setuid file", async () => {
  const files = { "/usr/bin/powerful": "#!/bin/sh\n" };
  await expect(filesAreClean(await broken({ files, mode: 0o4755 }))).rejects.toThrow(
    "setuid files",
  );
});

test("a policy that forbids something the image needs", async () => {
  await workspace.edit("specs/image/broadway/image.yaml", (text) =>
    text.replace("setuid: true", "setuid: true\n    licenses: ['*LGPL*']"),
  );
  const { exitCode, stderr } = await workspace.cleanroom(["up", "broadway", "--no-run"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("forbidden licence: gtk3");
});
