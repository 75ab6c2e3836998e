import path from "node:path";
import { run, silentLogger } from "@cleanroom/core";
import { type BuiltImage, findEngine } from "@cleanroom/image-composer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Workspace } from "../workspace.ts";
import {
  clockShowsTheTime,
  fontsHaveEveryLetter,
  iconsAreDrawn,
  launchesByClick,
  looksAsItShould,
  panelShowsEveryApplication,
  searchFindsAndStarts,
} from "./checks/first-screen.ts";
import {
  filesAreClean,
  isSmall,
  isTheImageComposed,
  keepsItsPolicy,
  packagesHaveNoX11,
  runsWith,
  showsItsPanel,
} from "./checks/image.ts";
import {
  copiedTextIsPasted,
  editorSavesWhatWasTyped,
  fileOpensInEditor,
  killedProgramIsShown,
  tenWindowsOpenAndClose,
  terminalHasTabs,
  terminalRunsAsUser,
  windowsComeForward,
} from "./checks/programs.ts";
import { panelIsThere, type Scene } from "./checks/scene.ts";
import {
  desktopFollowsBrowser,
  hasNoZombie,
  panelIsStartedAgain,
  processesMapNoX11,
  processOneIsPlain,
  sessionSurvivesReload,
  stopsQuickly,
} from "./checks/session.ts";
import { bringUp, Container, loadImage } from "./container.ts";
import { Desktop } from "./desktop.ts";

/** The desktop as a user meets it: `up`, a browser, mouse and keyboard. */

const screenshots = path.resolve(import.meta.dirname, "../../dist/screenshots/broadway");

let workspace: Workspace;
let image: BuiltImage;
let scene: Scene;

beforeAll(async () => {
  workspace = await Workspace.copy();
  const started = await bringUp(workspace, "broadway");
  const { container, url } = started;
  ({ image } = started);
  const exec = async (command: readonly string[]) => container.exec(command);
  scene = { container, desktop: await Desktop.open(url, exec, screenshots) };
  await panelIsThere(scene);
});

afterAll(async () => {
  await scene?.desktop.close();
  await workspace?.cleanroom(["down", "broadway"]);
});

describe("the first screen", () => {
  test("shows every application with its name", async () => panelShowsEveryApplication(scene));
  test("has an icon for each of them", async () => iconsAreDrawn(scene));
  test("looks as it should", async () => looksAsItShould(scene, "first-screen"));
  test("has every letter of Latin, Greek and Cyrillic", async () => fontsHaveEveryLetter(scene));
  test("finds by what is typed", async () => searchFindsAndStarts(scene));
  test("starts a program by a click", async () => launchesByClick(scene));
  test("has a clock", async () => clockShowsTheTime(scene));
});

describe("programs", () => {
  test("in the editor: type, save, and the file is there", async () => {
    await editorSavesWhatWasTyped(scene);
    await looksAsItShould(scene, "editor");
  });

  test("in the terminal: `id -u` gives 1000", async () => {
    await terminalRunsAsUser(scene);
    await scene.desktop.type("printf '\\u00c4\\u0161\\u0142\\n'\n");
    await scene.desktop.type("printf '\\u0395\\u03bb\\u03bb\\u03ac\\u03c2\\n'\n");
    await scene.desktop.type("printf '\\u041a\\u0438\\u0457\\u0432\\n'\n");
    await looksAsItShould(scene, "terminal");
  });

  test("share what was copied", async () => copiedTextIsPasted(scene));
  test("the terminal has tabs", async () => terminalHasTabs(scene));
  test("the file browser opens files in the editor", async () => fileOpensInEditor(scene));

  test("come forward by a click in the panel", async () => {
    await windowsComeForward(scene);
    await scene.desktop.closeAll();
  });

  test("ten windows open and close", async () => {
    await tenWindowsOpenAndClose(scene);
    await hasNoZombie(scene);
  });

  test("one that is killed is shown, leaves no zombie, and starts again", async () => {
    await killedProgramIsShown(scene);
    await hasNoZombie(scene);
  });
});

describe("the session", () => {
  test("follows the size of the browser's window", async () => desktopFollowsBrowser(scene));
  test("is still there after a reload", async () => sessionSurvivesReload(scene));

  test("starts the panel again when it dies", async () => {
    await panelIsStartedAgain(scene);
    await hasNoZombie(scene);
  });

  test("has a process 1 without powers", async () => processOneIsPlain(scene));
  test("maps no X11 library into any process", async () => processesMapNoX11(scene));
  test("ends in less than three seconds, with exit code 0", async () => stopsQuickly(scene));
});

describe("the image that ran", () => {
  test("is the one that was composed", async () => isTheImageComposed(scene, workspace, image));
  test("keeps its policy", async () => keepsItsPolicy(workspace, image.name));
  test("is small", () => isSmall(image));
  test("has no package of X11", () => packagesHaveNoX11(image));
  test("has no file of X11 and no setuid file", async () => filesAreClean(scene));

  const home = "--tmpfs=/home/user:mode=1777";
  const runtime = "--tmpfs=/run:mode=1777";
  test.each([
    ["read-only", ["--read-only", home, runtime], "1000"],
    ["as any user", ["--user=12345:12345"], "12345"],
    ["as any user, read-only", ["--user=54321", "--read-only", home, runtime], "54321"],
  ])("runs %s, without a capability", async (_what, options, uid) =>
    runsWith(image.imageId, options, uid),
  );

  test("runs without Cleanroom, as README says", async () => {
    await loadImage(workspace, "broadway");
    // Some machines ask for more arguments than README has.
    const engine = await findEngine(silentLogger);
    const loaded = new Container(engine.name, "cleanroom-broadway-loaded");
    await run(engine.name, [
      ...[...engine.globalArguments, "run", "--name", loaded.name, ...engine.runArguments],
      ...["--detach", "--publish", "127.0.0.1::8080", "localhost/broadway"],
    ]);
    try {
      expect(await loaded.imageId()).toBe(image.imageId);
      await showsItsPanel(loaded);
    } finally {
      await loaded.remove();
    }
  });
});
