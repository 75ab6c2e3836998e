import path from "node:path";
import type { BuiltImage } from "@cleanroom/image-composer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
  panelIsThere,
  panelProcess,
  panelShowsEveryApplication,
  processesMapNoX11,
  type Scene,
  sessionSurvivesReload,
  stopsQuickly,
  tenWindowsOpenAndClose,
  terminalRunsAsUser,
} from "./checks.ts";
import { bringUp, Container } from "./container.ts";
import { Desktop, until } from "./desktop.ts";

/** The desktop as a user meets it: `up`, a browser, mouse and keyboard. */

const screenshots = path.resolve(import.meta.dirname, "../../dist/screenshots/broadway");

let workspace: Workspace;
let image: BuiltImage;
let scene: Scene;
let container: Container;
let desktop: Desktop;

beforeAll(async () => {
  workspace = await Workspace.copy();
  let url: string;
  ({ container, url, image } = await bringUp(workspace, "broadway"));
  desktop = await Desktop.open(url, async (command) => container.exec(command), screenshots);
  scene = { container, desktop };
  await panelIsThere(scene);
});

afterAll(async () => {
  await desktop?.close();
  await workspace?.cleanroom(["down", "broadway"]);
});

describe("the first screen", () => {
  test("shows every application with its name", async () => panelShowsEveryApplication(scene));
  test("has an icon for each of them", async () => iconsAreDrawn(scene));
  test("looks as it should", async () => looksAsItShould(scene, "first-screen"));
  test("has every letter of Latin, Greek and Cyrillic", async () => fontsHaveEveryLetter(scene));

  test("a search finds by name and description, and Enter starts what it found", async () => {
    await desktop.type("starts at once");
    await until("one application is left", async () => {
      const { applications: found } = await desktop.panel();
      return found.length === 1 && found[0]?.name === "L3afpad";
    });
    await desktop.press("Enter");
    await until("it shows its window", async () => (await desktop.applicationWindows()).length > 0);
    expect((await desktop.panel()).programs.map(({ name }) => name)).toEqual(["L3afpad"]);
    await desktop.closeAll();
  });

  test("starts a program by a click", async () => launchesByClick(scene));
  test("has a clock", async () => {
    expect((await desktop.panel()).clock).toMatch(/^\w{3} [ \d]\d \w{3} {3}\d\d:\d\d$/);
  });
});

describe("programs", () => {
  test("in the editor: type, save, and the file is there", async () => {
    await editorSavesWhatWasTyped(scene);
    await looksAsItShould(scene, "editor");
  });

  test("in the terminal: `id -u` gives 1000", async () => {
    await terminalRunsAsUser(scene);
    await desktop.type("printf '\\u00c4\\u0161\\u0142\\n'\n");
    await desktop.type("printf '\\u0395\\u03bb\\u03bb\\u03ac\\u03c2\\n'\n");
    await desktop.type("printf '\\u041a\\u0438\\u0457\\u0432\\n'\n");
    await looksAsItShould(scene, "terminal");
  });

  test("what is copied in the terminal can be pasted in the editor", async () => {
    const { x, y, width, height } = await desktop.front();
    await desktop.page.mouse.click(x + width / 2, y + height / 2, { button: "right" });
    await desktop.settle();
    // The menu has Paste first, as nothing is selected yet, and Select All then.
    await desktop.press("ArrowDown", "ArrowDown", "Enter");
    await desktop.settle();
    await desktop.press("Control+Shift+C");
    await bringForward("Mousepad");
    await desktop.press("Control+a", "Control+v", "Control+s");
    const text = await until("the file has another text", async () => {
      const saved = await container.exec(["cat", "/home/user/written.txt"]);
      return !saved.startsWith("Written") && saved;
    });
    expect(text).toMatch(/^\S+ id -u \| tee \/tmp\/uid\.txt *\n1000\n/);
  });

  test("the terminal has tabs", async () => {
    await bringForward("Terminal");
    await desktop.press("Control+Shift+T");
    await desktop.type("echo $SHLVL-$PPID > /tmp/second-tab; tty > /tmp/second-tty\n");
    const tty = await until("another shell runs", async () =>
      container.exec(["cat", "/tmp/second-tty"]),
    );
    expect(tty).toMatch(/^\/dev\/pts\/\d+\n$/);
    await desktop.press("Control+PageUp");
    await desktop.type("tty > /tmp/first-tty\n");
    const first = await until("the first shell still runs", async () =>
      container.exec(["cat", "/tmp/first-tty"]),
    );
    expect(first).not.toBe(tty);
  });

  test("in the file browser: a file opens in the editor, which the panel knows of", async () => {
    const editors = (await desktop.panel()).programs.length;
    await container.exec(["mkdir", "/home/user/notes"]);
    await container.exec(["cp", "/home/user/written.txt", "/home/user/notes/one.txt"]);
    await desktop.launch("org.cleanroom.Files.desktop");
    await desktop.screenshot("files");
    // The first row is the only folder, and its first row the only file.
    await desktop.press("Home", "Enter");
    await desktop.settle();
    await desktop.press("Home", "Enter");
    await until("another program runs, or has handed over to the running editor", async () => {
      const log = await container.logs();
      return (
        (await desktop.panel()).programs.length > editors + 1 ||
        log.split("panel: started org.xfce.mousepad.desktop").length > 2
      );
    });
    await desktop.settle();
    expect(await container.logs()).not.toContain("JS ERROR");
  });

  test("the panel brings a program's windows forward", async () => {
    for (const name of ["Terminal", "Files"]) {
      const before = await desktop.windows();
      await bringForward(name);
      const front = await desktop.front();
      expect(front.width).not.toBe(1280);
      expect(before.some(({ width }) => width === front.width)).toBe(true);
    }
    await desktop.screenshot("windows");
    await desktop.closeAll();
  });

  test("ten windows open and close", async () => {
    await tenWindowsOpenAndClose(scene);
    await hasNoZombie(scene);
  });

  test("a program that is killed is shown, leaves no zombie, and starts again", async () => {
    await killedProgramIsShown(scene);
    await hasNoZombie(scene);
  });
});

describe("the browser", () => {
  test("panel and windows follow its size", async () => {
    await desktop.launch("l3afpad.desktop");
    await desktop.page.setViewportSize({ width: 900, height: 620 });
    await until("the panel is as wide", async () => {
      const { panel } = await desktop.panel();
      return panel.width === 900 && panel.y === 620 - panel.height;
    });
    await desktop.screenshot("small");
    const windows = await desktop.applicationWindows();
    expect(windows).toHaveLength(1);
    expect(windows[0]!.y + windows[0]!.height).toBeLessThan(620);
    await desktop.page.setViewportSize({ width: 1280, height: 800 });
    await until("the panel is as wide", async () => (await desktop.panel()).panel.width === 1280);
    await desktop.closeAll();
  });

  test("after a reload the session is still there", async () => sessionSurvivesReload(scene));
});

describe("the session", () => {
  test("starts the panel again when it dies", async () => {
    const pid = await panelProcess(container);
    await container.exec(["bash", "-c", `kill -9 ${pid}`]);
    await until("another panel runs", async () => {
      return (await panelProcess(container)) !== pid && (await desktop.panel()).launcherOpen;
    });
    expect(await container.logs()).toContain("session: panel was killed by signal 9");
    await hasNoZombie(scene);
  });

  test("has catatonit as process 1, uid 1000, and no capability", async () => {
    const status = (await container.exec(["cat", "/proc/1/status"])).split("\n");
    const field = (name: string) => status.find((line) => line.startsWith(`${name}:`));
    expect(field("Name")).toBe("Name:\tcatatonit");
    expect(field("Uid")).toBe("Uid:\t1000\t1000\t1000\t1000");
    expect(field("CapEff")).toBe("CapEff:\t0000000000000000");
  });

  test("maps no X11 library into any process", async () => processesMapNoX11(scene));
  test("stops in less than three seconds, with exit code 0", async () => stopsQuickly(scene));
});

describe("the image that ran", () => {
  test("is the one that was composed, and keeps its policy", async () => {
    expect(await container.imageId()).toBe(image.imageId);
    const { exitCode, stderr } = await workspace.cleanroom(["image", "verify", "broadway"]);
    expect(stderr).not.toContain("error:");
    expect(exitCode).toBe(0);
  });

  test("is small", () => {
    expect(image.unpackedBytes).toBeLessThan(110 * 1024 * 1024);
    expect(image.compressedBytes).toBeLessThan(40 * 1024 * 1024);
  });

  test("holds no X11, by packages and by what files ask to be loaded", async () => {
    expect(
      image.packages.map(({ name }) => name).filter((name) => /x11|xcb|xorg/i.test(name)),
    ).toEqual([]);
    await filesAreClean(scene);
  });

  test.each([
    ["read-only, without capabilities", ["--read-only"], "1000"],
    ["as any user", ["--user=12345:12345"], "12345"],
    ["as any user, read-only", ["--user=54321", "--read-only"], "54321"],
  ])("runs %s", async (_what, options, uid) => {
    const other = await Container.start(`${container.name}-${uid}`, image.imageId, {
      options: [
        ...options,
        ...(options.includes("--read-only")
          ? ["--tmpfs=/home/user:mode=1777", "--tmpfs=/run:mode=1777", "--tmpfs=/tmp:mode=1777"]
          : []),
      ],
    });
    try {
      const panel = await until("the panel runs", async () => panelProcess(other));
      await until("the panel answers", async () => (await fetch(await other.url())).ok);
      expect(await panelProcess(other)).toBe(panel);
      expect(await other.logs()).toContain(`session: uid ${uid}`);
      await stopsQuickly({ container: other });
    } finally {
      await other.remove();
    }
  });
});

/** Clicks on a program in the panel. */
async function bringForward(name: string): Promise<void> {
  const program = (await desktop.panel()).programs.find((found) => found.name === name);
  await desktop.click(program?.place);
  await desktop.settle();
}
