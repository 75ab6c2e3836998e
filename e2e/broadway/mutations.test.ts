import path from "node:path";
import type { BuiltImage } from "@cleanroom/image-composer";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Workspace } from "../workspace.ts";
import * as firstScreen from "./checks/first-screen.ts";
import * as imageChecks from "./checks/image.ts";
import * as programs from "./checks/programs.ts";
import { panelProcess, type Scene } from "./checks/scene.ts";
import * as session from "./checks/session.ts";
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
/** Checks that were seen to fail. */
const failed = new Set<unknown>();

beforeAll(async () => {
  workspace = await Workspace.copy();
  ({ container: whole, image } = await bringUp(workspace, "broadway"));
});

afterAll(async () => {
  await workspace?.cleanroom(["down", "broadway"]);
});

afterEach(async () => {
  setPatience(60_000);
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
  setPatience(10_000);
  return { ...scene, desktop };
}

/** A file of the image with a change. */
async function changed(file: string, before: string, after: string): Promise<Changes["files"]> {
  const text = (await whole.file(file)).toString();
  const change = text.replace(before, after);
  if (change === text) throw new Error(`the change of ${file} changes nothing`);
  return { [file]: change };
}

/** A check fails, and says why. */
async function fails<A extends readonly unknown[]>(
  check: (...args: A) => Promise<void> | void,
  args: A,
  message: string | RegExp,
): Promise<void> {
  await expect((async () => check(...args))()).rejects.toThrow(message);
  failed.add(check);
}

const panelFolder = "/usr/share/broadway-panel";
const notesFile = "/usr/share/broadway/applications/l3afpad.desktop";

test("a page that does not load", async () => {
  setPatience(10_000);
  const options = ["--env=BROADWAY_DAEMON=/bin/false"];
  const running = (await broken({ options })).container;
  await expect(
    Desktop.open(await running.url(), async (command) => running.exec(command), screenshots),
  ).rejects.toThrow("the page loads");
  await fails(imageChecks.showsItsPanel, [running], "the page loads");
  await fails(imageChecks.runsWith, [image.imageId, options, "1000"], "the page loads");
});

test("an application that is hidden", async () => {
  const files = await changed(notesFile, "Type=", "NoDisplay=true\nType=");
  const scene = await brokenScene({ files });
  await fails(firstScreen.panelShowsEveryApplication, [scene], "to deeply equal");
  await fails(firstScreen.searchFindsAndStarts, [scene], "one application is left");
});

test("an icon that is empty", async () => {
  const icon = "/usr/share/icons/hicolor/scalable/apps/org.cleanroom.Notes.svg";
  const files = { [icon]: '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>' };
  await fails(firstScreen.iconsAreDrawn, [await brokenScene({ files })], "icon of l3afpad");
});

test("a panel of another colour", async () => {
  const colour = ".broadway-panel {\n  background: ";
  const files = await changed(`${panelFolder}/panel.css`, `${colour}#141a28`, `${colour}red`);
  const scene = await brokenScene({ files });
  await fails(firstScreen.looksAsItShould, [scene, "first-screen"], "cells of first-screen");
});

test("fonts that are not found", async () => {
  const files = {
    "/etc/fonts/local.conf":
      "<fontconfig><selectfont><rejectfont><glob>/usr/share/fonts/*</glob></rejectfont></selectfont></fontconfig>",
  };
  const message = /what the fonts lack: Sans 10, Latin: \d+ glyphs/;
  await fails(firstScreen.fontsHaveEveryLetter, [await broken({ files })], message);
});

test("a clock that stands still", async () => {
  const files = await changed(
    `${panelFolder}/panel-bar.js`,
    "new_now_local()",
    "new_from_unix_utc(0)",
  );
  await fails(firstScreen.clockShowsTheTime, [await brokenScene({ files })], "shows the time");
});

test("an application that does not start", async () => {
  const scene = await brokenScene({
    files: await changed(notesFile, "Exec=l3afpad %f", "Exec=false"),
  });
  await fails(firstScreen.launchesByClick, [scene], "l3afpad.desktop shows a window");
  await fails(programs.tenWindowsOpenAndClose, [scene], /there are \d+ windows/);
});

test("an editor that cannot save", async () => {
  const options = ["--read-only", "--tmpfs=/run:mode=1777", "--tmpfs=/tmp:mode=1777"];
  const scene = await brokenScene({ options });
  await fails(programs.editorSavesWhatWasTyped, [scene], "the file has the text");
});

test("a terminal that says another user", async () => {
  const files = { "/usr/bin/id": "#!/bin/sh\necho 0\n" };
  const scene = await brokenScene({ files, mode: 0o755 });
  await fails(programs.terminalRunsAsUser, [scene], "what id -u gives in the terminal");
});

test("a terminal that does not copy, and has no tabs", async () => {
  const file = `${panelFolder}/terminal.js`;
  const files = await changed(file, "terminal.copy_clipboard_format(Vte.Format.TEXT)", "return");
  const scene = await brokenScene({
    files: { [file]: String(files?.[file]).replace("Gdk.KEY_t)", "Gdk.KEY_F35)") },
  });
  await programs.editorSavesWhatWasTyped(scene);
  await programs.terminalRunsAsUser(scene);
  await fails(programs.copiedTextIsPasted, [scene], "the file has another text");
  await fails(programs.terminalHasTabs, [scene], "the terminal of the second tab");
});

test("a file browser that opens nothing", async () => {
  const file = `${panelFolder}/files.js`;
  const files = await changed(file, "else this.#openFile(file, entry.type)", "else this.#goUp()");
  const scene = await brokenScene({ files });
  await fails(programs.fileOpensInEditor, [scene], "the panel starts the editor");
});

test("a panel that brings nothing forward", async () => {
  // Neither by its windows nor, where these cannot be asked, by its name on the bus.
  const condition = "if (windowsName !== undefined) {";
  const files = await changed(
    `${panelFolder}/programs.js`,
    condition,
    `return undefined;\n  ${condition}`,
  );
  const scene = await brokenScene({ files });
  for (const id of ["org.cleanroom.Terminal.desktop", "org.cleanroom.Files.desktop"]) {
    await scene.desktop.launch(id);
  }
  await fails(programs.windowsComeForward, [scene], "in front");
});

test("a panel that hides deaths", async () => {
  const files = await changed(
    `${panelFolder}/programs.js`,
    'return program.closing === 0 && ("signal"',
    'return false && ("signal"',
  );
  const scene = await brokenScene({ files });
  await fails(programs.killedProgramIsShown, [scene], "the panel shows who died");
});

test("a panel that does not follow the browser", async () => {
  // It does take the size of the first one, or nothing could be started.
  const files = await changed(
    `${panelFolder}/panel.js`,
    "this.#screenChanged());",
    "screen.get_width() === 900 || this.#screenChanged());",
  );
  const scene = await brokenScene({ files });
  await fails(session.desktopFollowsBrowser, [scene], "the panel is as wide");
});

test("a process 1 that reaps nobody, and is not catatonit", async () => {
  const scene = await broken({ entrypoint: ["/usr/bin/bash", "-c", "sleep 0 & exec sleep 60"] });
  await until("somebody has ended", async () =>
    (await scene.container.processes()).some(({ state }) => state.startsWith("Z")),
  );
  await fails(session.hasNoZombie, [scene], "zombies");
  await fails(session.processOneIsPlain, [scene], "catatonit");
});

test("a panel that starts only once", async () => {
  const files = {
    "/usr/bin/broadway-panel": `#!/bin/sh
[ -e /tmp/started ] && exec sleep 1000
: > /tmp/started
exec gjs -m ${panelFolder}/panel.js
`,
  };
  const scene = await brokenScene({ files, mode: 0o755 });
  expect(await panelProcess(scene.container)).toBeDefined();
  await fails(session.panelIsStartedAgain, [scene], "another panel runs");
});

test("a session that a reload ends", async () => {
  const scene = await brokenScene({});
  const { page } = scene.desktop;
  const reload = page.reload.bind(page);
  page.reload = async () => {
    const { programs: running } = await scene.desktop.panel();
    await scene.container.exec(["bash", "-c", `kill ${running.map(({ pid }) => pid).join(" ")}`]);
    return reload();
  };
  await fails(session.sessionSurvivesReload, [scene], "the window is back");
});

test("a container that does not listen to SIGTERM", async () => {
  const scene = await broken({
    entrypoint: ["/usr/bin/bash", "-c", "trap '' TERM; while :; do sleep 1; done"],
  });
  await fails(session.stopsQuickly, [scene], "exit code");
});

test("X11 in a process", async () => {
  const library = "/usr/lib/x86_64-linux-gnu/libfribidi.so.0";
  const scene = await brokenScene({
    files: { "/usr/lib64/libX11.so.6": await whole.file(library) },
    mode: 0o755,
    options: ["--env=LD_PRELOAD=/usr/lib64/libX11.so.6"],
  });
  await fails(session.processesMapNoX11, [scene], "X11 that processes map");
});

test("X11 in a file", async () => {
  const files = { "/usr/bin/asks": "\u007fELF\0libX11.so.6\0" };
  await fails(imageChecks.filesAreClean, [await broken({ files })], "files that ask for X11");
});

test("a setuid file", async () => {
  const files = { "/usr/bin/powerful": "#!/bin/sh\n" };
  const scene = await broken({ files, mode: 0o4755 });
  await fails(imageChecks.filesAreClean, [scene], "setuid files");
});

/** An image of everything that ours does without, and of a package called like one of X11. */
const stowaway = `
Name: libx11-6
Version: 1.0
Release: 1
Summary: Nothing, with the name of something
License: MIT
BuildArch: noarch
%description
For tests.
%files
`;

test("an image that is large, holds X11, and is not the one that ran", async () => {
  await workspace.write("specs/rpm/libx11-6/libx11-6.spec", stowaway);
  await workspace.edit("specs/image/broadway/image.yaml", (text) =>
    text.replace("  - catatonit\n", "  - catatonit\n  - libx11-6\n"),
  );
  await fails(imageChecks.keepsItsPolicy, [workspace, "broadway"], "what the policy says");
  await workspace.edit("specs/image/broadway/image.yaml", (text) =>
    text.replace(
      /^slim:.*/ms,
      `slim: { docs: false, files: [/usr/include/**, /usr/share/pkgconfig/**] }
policy: { size: 1GiB }
`,
    ),
  );
  const { exitCode, stdout } = await workspace.cleanroom(["up", "broadway", "--no-run", "--json"]);
  expect(exitCode).toBe(0);
  const other = JSON.parse(stdout) as BuiltImage;
  await fails(imageChecks.isSmall, [other], "unpacked bytes");
  await fails(imageChecks.packagesHaveNoX11, [other], "packages of X11");
  await fails(
    imageChecks.isTheImageComposed,
    [{ container: whole }, workspace, other],
    "the image that ran",
  );
});

test("every check was seen to fail", () => {
  const all = [firstScreen, programs, session, imageChecks].flatMap(Object.entries<unknown>);
  expect(all.filter(([, check]) => !failed.has(check)).map(([name]) => name)).toEqual([]);
});
