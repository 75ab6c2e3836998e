import { readFile } from "node:fs/promises";
import path from "node:path";
import { run } from "@cleanroom/core";
import { expect } from "vitest";
import { applications } from "./applications.ts";
import type { Container } from "./container.ts";
import { type Desktop, type PanelState, until } from "./desktop.ts";
import {
  differentCells,
  referenceGrid,
  writeDocumentationPicture,
  writeReferenceGrid,
} from "./picture.ts";

/**
 * What the desktop has to do, each as a function that throws when it does not; so that the same
 * check passes on the image and fails on one that was broken on purpose.
 */

/** A running desktop and the browser that shows it. */
export interface Scene {
  readonly container: Container;
  readonly desktop: Desktop;
}

const notes = "l3afpad.desktop";

export async function panelIsThere({ desktop }: Scene): Promise<PanelState> {
  return until("the panel has the size of the browser's window", async () => {
    const state = await desktop.panel();
    return state.screen.width === 1280 && state.panel?.width === 1280 && state;
  });
}

/** Process id of the panel in its container; undefined while it does not run. */
export async function panelProcess(container: Container): Promise<number | undefined> {
  const processes = await container.processes();
  return processes.find(({ command }) => command.endsWith("/panel.js"))?.pid;
}

export async function panelShowsEveryApplication(scene: Scene): Promise<void> {
  const { applications: shown, screen, panel, launcherOpen } = await panelIsThere(scene);
  expect(launcherOpen).toBe(true);
  expect(
    shown.map(({ id, name }) => [id, name] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ).toEqual(applications);
  expect(panel).toEqual({ x: 0, y: screen.height - panel.height, width: 1280, height: 44 });
}

/** Every icon is a picture, and not an empty place. */
export async function iconsAreDrawn({ desktop }: Scene): Promise<void> {
  const picture = await desktop.settle();
  for (const { id, place } of (await desktop.panel()).applications) {
    const { x, y, width } = place!;
    const icon = { x: x + width / 2 - 36, y: y + 20, width: 72, height: 72 };
    const colours = await desktop.colours(picture, icon);
    expect(colours, `colours of the icon of ${id}`).toBeGreaterThan(12);
  }
}

/** Compares a picture with its reference: nearly every cell has the colour it should have. */
export async function looksAsItShould({ desktop }: Scene, name: string): Promise<void> {
  const picture = await desktop.screenshot(name);
  const grid = await desktop.grid(picture);
  if (process.env["UPDATE_SCREENSHOTS"] === "1") {
    await writeReferenceGrid(name, grid);
    if (name === "terminal") await writeDocumentationPicture(await desktop.webp(picture));
  }
  const different = differentCells(grid, await referenceGrid(name));
  expect(different.length, `cells of ${name} that differ: ${different.join(" ")}`).toBeLessThan(13);
}

export async function launchesByClick({ desktop }: Scene): Promise<void> {
  const program = await desktop.launch(notes);
  expect(program.name).toBe("L3afpad");
  await desktop.closeAll();
}

export async function editorSavesWhatWasTyped({ container, desktop }: Scene): Promise<void> {
  await desktop.launch("org.xfce.mousepad.desktop");
  // With every letter: none of them is a shortcut.
  const text = "Written in a browser: the quick brown fox jumps over the lazy dog.";
  await desktop.type(text);
  await desktop.press("Control+s");
  await until("the dialog shows", async () => (await desktop.applicationWindows()).length > 1);
  await desktop.settle();
  await desktop.press("Control+a");
  await desktop.type("written.txt");
  await desktop.settle();
  await desktop.press("Enter");
  await until("the file has the text", async () => {
    const saved = await container.exec(["cat", "/home/user/written.txt"]);
    return saved.trim() === text;
  });
  await desktop.settle();
}

export async function terminalRunsAsUser({ container, desktop }: Scene): Promise<void> {
  await desktop.launch("org.cleanroom.Terminal.desktop");
  await desktop.type("id -u | tee /tmp/uid.txt\n");
  const uid = await until("the terminal says who it is", async () =>
    container.exec(["cat", "/tmp/uid.txt"]),
  );
  expect(uid, "what id -u gives in the terminal").toBe("1000\n");
}

/** What the fonts have to have. */
export const scripts: Readonly<Record<string, string>> = {
  Latin: "ABCXYZ abcxyz 0123 ÄÖÜß éèêç ñ ąćęłńóśźż šžč ğış ŵŷ ðþæø — “„”… €",
  Greek: "ΑΒΓΔΩ αβγδω άέήίόύώ ΐΰ ϊϋ ς ἀᾷῥ",
  Cyrillic: "АБВЮЯ абвюя ёйъыьэ ґєії ђћљњџ ўќѓ",
};

/** Asks the library that draws the text, in the container. */
const unknownGlyphs = `
imports.gi.versions.Pango = "1.0";
const { Pango, PangoCairo } = imports.gi;
const texts = JSON.parse(ARGV[0]);
const context = PangoCairo.FontMap.get_default().create_context();
for (const font of ["Sans 10", "Sans Bold 10", "Monospace 11", "Monospace Bold 11", "Cantarell 11"]) {
  for (const [script, text] of Object.entries(texts)) {
    const layout = Pango.Layout.new(context);
    layout.set_font_description(Pango.FontDescription.from_string(font));
    layout.set_text(text, -1);
    const unknown = layout.get_unknown_glyphs_count();
    if (unknown > 0) print(font + ", " + script + ": " + unknown + " glyphs are missing");
  }
}
print("done");
`;

export async function fontsHaveEveryLetter(
  { container }: Pick<Scene, "container">,
  texts = scripts,
): Promise<void> {
  const answer = await container.exec(["gjs", "-c", unknownGlyphs, JSON.stringify(texts)]);
  expect(answer.trim(), `what the fonts lack: ${answer}`).toBe("done");
}

export async function tenWindowsOpenAndClose({ container, desktop }: Scene): Promise<void> {
  const ids = applications.map(([id]) => id).filter((id) => !id.startsWith("gtk3-widget"));
  for (let opened = 1; opened <= 10; opened += 1) {
    await startAgain(container, ids[opened % ids.length]!);
    await until(
      `there are ${opened} windows`,
      async () => (await desktop.applicationWindows()).length >= opened,
    );
  }
  await desktop.screenshot("ten-windows");
  await desktop.closeAll();
}

/** Starts an application whether or not it runs already; its windows are what counts. */
async function startAgain(container: Container, id: string): Promise<void> {
  await container.exec([
    ...["gdbus", "call", "--session", "--dest", "org.cleanroom.Panel"],
    ...["--object-path", "/org/cleanroom/Panel", "--method", "org.cleanroom.Panel.Launch"],
    ...[id, "[]"],
  ]);
}

export async function killedProgramIsShown({ container, desktop }: Scene): Promise<void> {
  const program = await desktop.launch(notes);
  await container.exec(["bash", "-c", `kill -9 ${program.pid}`]);
  const dead = await until("the panel shows who died", async () =>
    (await desktop.panel()).programs.find(({ pid, end }) => pid === program.pid && end),
  );
  expect(dead.end).toEqual({ signal: 9 });
  expect(await desktop.applicationWindows()).toEqual([]);
  await desktop.screenshot("killed");
  await desktop.click(dead.place);
  await until("it runs again", async () =>
    (await desktop.panel()).programs.some(
      ({ pid, end, application }) =>
        application === notes && pid !== program.pid && end === undefined,
    ),
  );
  await until("with a window", async () => (await desktop.applicationWindows()).length === 1);
  await desktop.closeAll();
}

/** Processes that have ended and that nobody has asked about. */
export async function hasNoZombie({ container }: Pick<Scene, "container">): Promise<void> {
  const dead = (await container.processes()).filter(({ state }) => state.startsWith("Z"));
  expect(dead, "zombies").toEqual([]);
}

export async function sessionSurvivesReload({ desktop }: Scene): Promise<void> {
  await desktop.launch(notes);
  const before = await desktop.panel();
  await desktop.page.reload();
  await until("the window is back", async () => (await desktop.applicationWindows()).length === 1);
  await panelIsThere({ desktop } as Scene);
  const after = await desktop.panel();
  expect(after.programs.map(({ pid }) => pid)).toEqual(before.programs.map(({ pid }) => pid));
  await desktop.closeAll();
}

export async function stopsQuickly({ container }: Pick<Scene, "container">): Promise<void> {
  const { timeMs, exitCode } = await container.stop();
  expect(exitCode, "exit code").toBe(0);
  expect(timeMs).toBeLessThan(3000);
}

export async function processesMapNoX11({ container }: Scene): Promise<void> {
  const script = "cat /proc/[0-9]*/maps 2>/dev/null";
  const maps = await container.exec(["bash", "-c", script]);
  expect(maps).toContain("libgtk-3.so");
  const mapped = maps.match(/\/\S*lib(?:X\w+|xcb[\w-]*|wayland-\w+)\.so\S*/g) ?? [];
  expect([...new Set(mapped)], "X11 that processes map").toEqual([]);
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
