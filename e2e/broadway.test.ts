import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run, silentLogger } from "@cleanroom/core";
import { type BuiltImage, findEngine, inspectImage } from "@cleanroom/image-composer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Desktop, until } from "./broadway-desktop.ts";
import { Workspace } from "./workspace.ts";

/** The desktop as a user meets it: `up`, a browser, mouse and keyboard. */

const applications = [
  ["gtk3-demo.desktop", "GTK Demo"],
  ["gtk3-icon-browser.desktop", "Icon Browser"],
  ["gtk3-widget-factory.desktop", "Widget Factory"],
  ["l3afpad.desktop", "L3afpad"],
  ["org.cleanroom.Files.desktop", "Files"],
  ["org.cleanroom.Terminal.desktop", "Terminal"],
  ["org.xfce.mousepad.desktop", "Mousepad"],
] as const;

const container = "cleanroom-broadway";
const screenshots = path.resolve(import.meta.dirname, "../dist/screenshots/broadway");
const references = path.join(import.meta.dirname, "screenshots");

let workspace: Workspace;
let image: BuiltImage;
let engine: string;
let url: string;
let desktop: Desktop;

/** Runs a command in a container as its user. */
async function inside(name: string, command: readonly string[]): Promise<string> {
  return (await run(engine, ["exec", name, ...command])).stdout;
}

async function fileInside(file: string): Promise<string> {
  return inside(container, ["cat", file]);
}

/** Processes of the container that have ended and that nobody has asked about. */
async function zombies(): Promise<string[]> {
  const script =
    'for stat in /proc/[0-9]*/stat; do { read -r line < $stat; } 2>/dev/null && echo "$line"; done';
  const lines = await inside(container, ["bash", "-c", script]);
  return lines.split("\n").filter((line) => /^\d+ \(.*\) Z /.test(line));
}

beforeAll(async () => {
  workspace = await Workspace.copy();
  const { exitCode, stdout, stderr } = await workspace.cleanroom([
    ...["up", "broadway", "--detach", "--json"],
  ]);
  expect(stderr).not.toContain("error:");
  expect(exitCode).toBe(0);
  ({ engine, url } = JSON.parse(stdout) as { engine: string; url: string });
  image = await inspectImage(workspace.path("dist/images/broadway"));
  desktop = await Desktop.open(url, async (command) => inside(container, command), screenshots);
  await until("the panel answers", async () => desktop.panel());
});

afterAll(async () => {
  await desktop?.close();
  await workspace?.cleanroom(["down", "broadway"]);
});

describe("the first screen", () => {
  test("shows every application with its name, and looks as it should", async () => {
    const {
      applications: shown,
      screen,
      panel,
      launcherOpen,
    } = await until("the panel knows the size of the browser's window", async () => {
      const state = await desktop.panel();
      return state.screen.width === 1280 && state.panel?.width === 1280 && state;
    });
    expect(launcherOpen).toBe(true);
    expect(
      shown.map(({ id, name }) => [id, name] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ).toEqual(applications);
    expect(panel).toEqual({ x: 0, y: screen.height - panel.height, width: 1280, height: 44 });
    const picture = await desktop.screenshot("first-screen");
    // Every icon is a picture, and not an empty place.
    for (const { id, place } of shown) {
      const { x, y, width } = place!;
      const icon = { x: x + width / 2 - 28, y: y + 16, width: 56, height: 56 };
      expect(await desktop.colours(picture, icon), `colours of the icon of ${id}`).toBeGreaterThan(
        12,
      );
    }
    await expectPicture("first-screen", picture);
  });

  test("a search finds by name and description, and Enter starts what it found", async () => {
    await desktop.type("starts at once");
    await until("one application is left", async () => {
      const { applications: found } = await desktop.panel();
      return found.length === 1 && found[0]?.name === "L3afpad";
    });
    await desktop.press("Enter");
    await until("it shows its window", async () => (await desktop.applicationWindows()).length > 0);
    expect((await desktop.panel()).programs.map(({ name }) => name)).toEqual(["L3afpad"]);
    await closeAll();
  });
});

describe("programs", () => {
  test("in the editor: type, save, and the file is there", async () => {
    await desktop.launch("org.xfce.mousepad.desktop");
    await desktop.type("Written in a browser.");
    await desktop.press("Control+s");
    await until("the dialog shows", async () => (await desktop.applicationWindows()).length > 1);
    await desktop.settle();
    await desktop.press("Control+a");
    await desktop.type("written.txt");
    await desktop.settle();
    await desktop.press("Enter");
    const text = await until("the file is there", async () => fileInside("/home/user/written.txt"));
    expect(text.trim()).toBe("Written in a browser.");
    await desktop.screenshot("editor");
  });

  test("in the terminal: `id -u` gives 1000", async () => {
    await desktop.launch("org.cleanroom.Terminal.desktop");
    await desktop.type("id -u | tee uid.txt\n");
    expect(await until("the file is there", async () => fileInside("/home/user/uid.txt"))).toBe(
      "1000\n",
    );
    // Latin, Greek and Cyrillic, from the fonts of the image.
    await desktop.type(
      "printf '\\u00c4\\u0161\\u0142 \\u0395\\u03bb\\u03bb\\u03b7 \\u041a\\u0438\\u0440\\n'\n",
    );
    await desktop.screenshot("terminal");
  });

  test("in the file browser: a file opens in the editor, which the panel knows of", async () => {
    const editors = (await desktop.panel()).programs.length;
    await inside(container, ["mkdir", "/home/user/notes"]);
    await inside(container, ["cp", "/home/user/written.txt", "/home/user/notes/one.txt"]);
    await desktop.launch("org.cleanroom.Files.desktop");
    await desktop.screenshot("files");
    // The first row is the only folder, and its first row the only file.
    await desktop.press("Home", "Enter");
    await desktop.settle();
    await desktop.press("Home", "Enter");
    await until("another program runs, or has handed over to the running editor", async () => {
      const log = await logs();
      return (
        (await desktop.panel()).programs.length > editors + 1 ||
        log.split("panel: started org.xfce.mousepad.desktop").length > 2
      );
    });
    await desktop.settle();
    expect(await logs()).not.toContain("JS ERROR");
  });

  test("the panel brings a program's windows forward", async () => {
    for (const name of ["Terminal", "Files"]) {
      const program = (await desktop.panel()).programs.find((found) => found.name === name);
      const before = await desktop.windows();
      await desktop.click(program?.place);
      await desktop.settle();
      const front = await desktop.front();
      expect(front.width).not.toBe(1280);
      expect(before.some(({ width }) => width === front.width)).toBe(true);
    }
    await desktop.screenshot("windows");
    await closeAll();
  });

  test("ten windows open and close", async () => {
    const ids = applications.map(([id]) => id).filter((id) => !id.startsWith("gtk3-widget"));
    const ten = Array.from({ length: 10 }, (_, index) => ids[index % ids.length]!);
    let opened = 0;
    for (const id of ten) {
      await startAgain(id);
      opened += 1;
      await until(
        `${opened} windows`,
        async () => (await desktop.applicationWindows()).length >= opened,
      );
    }
    await desktop.screenshot("ten-windows");
    await closeAll();
    expect(await zombies()).toEqual([]);
  });

  test("a program that is killed is shown, leaves no zombie, and starts again", async () => {
    const program = await desktop.launch("l3afpad.desktop");
    await inside(container, ["bash", "-c", `kill -9 ${program.pid}`]);
    const dead = await until("the panel shows it", async () =>
      (await desktop.panel()).programs.find(({ pid, end }) => pid === program.pid && end),
    );
    expect(dead.end).toEqual({ signal: 9 });
    await desktop.screenshot("killed");
    expect(await zombies()).toEqual([]);
    expect(await desktop.applicationWindows()).toEqual([]);
    await desktop.click(dead.place);
    await until("it runs again", async () =>
      (await desktop.panel()).programs.some(
        ({ pid, end, application }) =>
          application === "l3afpad.desktop" && pid !== program.pid && end === undefined,
      ),
    );
    await until("with a window", async () => (await desktop.applicationWindows()).length === 1);
  });
});

describe("the browser", () => {
  test("panel and windows follow its size", async () => {
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
  });

  test("after a reload the session is still there", async () => {
    const before = await desktop.panel();
    const windows = (await desktop.applicationWindows()).length;
    await desktop.page.reload();
    await until(
      "the windows are back",
      async () => (await desktop.applicationWindows()).length === windows,
    );
    const after = await desktop.panel();
    expect(after.programs.map(({ pid }) => pid)).toEqual(before.programs.map(({ pid }) => pid));
    await closeAll();
  });
});

describe("the session", () => {
  test("starts the panel again when it dies", async () => {
    const pid = (await inside(container, ["bash", "-c", panelPid])).trim();
    expect(pid).toMatch(/^\d+$/);
    await inside(container, ["bash", "-c", `kill -9 ${pid}`]);
    await until("another panel runs", async () => {
      const now = (await inside(container, ["bash", "-c", panelPid])).trim();
      return /^\d+$/.test(now) && now !== pid && (await desktop.panel()).launcherOpen;
    });
    expect(await logs()).toContain("session: panel was killed by signal 9");
    expect(await zombies()).toEqual([]);
  });

  test("has catatonit as process 1, uid 1000, and no capability", async () => {
    const script =
      'read -r name < /proc/1/comm; echo "$name"; while read -r line; do case $line in CapEff*|Uid*) echo "$line";; esac; done < /proc/1/status';
    const status = await inside(container, ["bash", "-c", script]);
    expect(status).toMatch(/^catatonit\nUid:\s+1000\s.*\nCapEff:\s+0{16}\n$/);
  });

  test("maps no X11 library into any process", async () => {
    const maps = await inside(container, [
      ...[
        "bash",
        "-c",
        "cat /proc/[0-9]*/maps 2>/dev/null | while read -r a b c d e f; do echo $f; done",
      ],
    ]);
    expect(maps).toContain("libgtk-3.so");
    expect(maps).not.toMatch(/libX\w+\.so|libxcb|libwayland/);
  });

  test("stops in less than three seconds, with exit code 0", async () => {
    const startedMs = performance.now();
    await run(engine, ["stop", "--time", "10", container]);
    expect(performance.now() - startedMs).toBeLessThan(3000);
    const { stdout } = await run(engine, [
      ...["inspect", "--format", "{{.State.ExitCode}}", container],
    ]);
    expect(stdout.trim()).toBe("0");
  });
});

describe("the image", () => {
  test("is small", () => {
    expect(image.unpackedBytes).toBeLessThan(110 * 1024 * 1024);
    expect(image.compressedBytes).toBeLessThan(40 * 1024 * 1024);
  });

  test("holds no X11, by packages, by files, and by what files ask to be loaded", async () => {
    expect(
      image.packages.map(({ name }) => name).filter((name) => /x11|xcb|xorg/i.test(name)),
    ).toEqual([]);
    const root = await mkdtemp(path.join(tmpdir(), "broadway-root-"));
    try {
      const archive = `${root}.tar`;
      await run(engine, ["export", "--output", archive, container]);
      await run("tar", ["--extract", "--file", archive, "--directory", root, "--same-permissions"]);
      await rm(archive);
      const { stdout } = await run("find", [root, "-type", "f", "-size", "+0"]);
      const asking: string[] = [];
      for (const file of stdout.trim().split("\n")) {
        const bytes = await readFile(file);
        if (bytes.subarray(0, 4).toString("latin1") !== "\u007fELF") continue;
        if (/\0lib(X[A-Za-z]\w*|xcb[\w-]*)\.so[.\d]*\0/.test(bytes.toString("latin1"))) {
          asking.push(path.relative(root, file));
        }
      }
      expect(asking).toEqual([]);
      const { stdout: setuid } = await run("find", [root, "-perm", "/6000"]);
      expect(setuid).toBe("");
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  test("breaks its policy when something it needs is forbidden", async () => {
    const strict = await Workspace.copy();
    await strict.edit("specs/image/broadway/image.yaml", (text) =>
      text.replace("setuid: true", "setuid: true\n    licenses: ['*LGPL*']"),
    );
    const { exitCode, stderr } = await strict.cleanroom(["up", "broadway", "--no-run"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("forbidden licence: gtk3");
  });

  test.each([
    ["read-only, without capabilities", ["--read-only", "--cap-drop=all"], "1000"],
    ["as any user", ["--user=12345:12345", "--cap-drop=all"], "12345"],
    ["as any user, read-only", ["--user=54321", "--read-only"], "54321"],
  ])("runs %s", async (_what, options, uid) => {
    const name = `${container}-${uid}`;
    const { globalArguments, runArguments } = await findEngine(silentLogger);
    await run(engine, ["rm", "--force", name], { accept: [0, 1] });
    await run(engine, [
      ...globalArguments,
      ...["run", "--detach", "--name", name, "--pull=never", ...runArguments],
      ...["--security-opt=no-new-privileges", ...options],
      ...(options.includes("--read-only")
        ? ["--tmpfs=/home/user:mode=1777", "--tmpfs=/run:mode=1777", "--tmpfs=/tmp:mode=1777"]
        : []),
      image.imageId.replace("sha256:", ""),
    ]);
    try {
      await until(
        "the panel runs",
        async () => (await inside(name, ["bash", "-c", panelPid])) !== "",
      );
      await sleep(500);
      const { stdout, stderr } = await run(engine, ["logs", name]);
      expect(stdout + stderr).toContain(`session: uid ${uid}`);
      expect(stdout + stderr).not.toMatch(/panel (ended|was killed)/);
      await run(engine, ["stop", "--time", "10", name]);
      const state = await run(engine, ["inspect", "--format", "{{.State.ExitCode}}", name]);
      expect(state.stdout.trim()).toBe("0");
    } finally {
      await run(engine, ["rm", "--force", name], { accept: [0, 1] });
    }
  });
});

/** Prints the process id of the panel. */
const panelPid =
  'for p in /proc/[0-9]*; do { read -r -d "" a; read -r -d "" b; read -r -d "" c; } 2>/dev/null < $p/cmdline; [[ $c == */panel.js ]] && echo ${p#/proc/}; done; true';

async function logs(): Promise<string> {
  const { stdout, stderr } = await run(engine, ["logs", container]);
  return stdout + stderr;
}

/** Starts an application whether or not it runs already; its windows are what counts. */
async function startAgain(id: string): Promise<void> {
  await inside(container, [
    ...["gdbus", "call", "--session", "--dest", "org.cleanroom.Panel"],
    ...["--object-path", "/org/cleanroom/Panel", "--method", "org.cleanroom.Panel.Launch"],
    ...[id, "[]"],
  ]);
}

/** Closes every program by its button in the panel. */
async function closeAll(): Promise<void> {
  await until(
    "no program is left",
    async () => {
      const { programs } = await desktop.panel();
      const [first] = programs;
      if (first === undefined) return true;
      await desktop.click(first.closePlace);
      await desktop.settle();
      return false;
    },
    60_000,
  );
  await until("no window is left", async () => (await desktop.applicationWindows()).length === 0);
}

/** Compares with the picture that is committed, but for the clock; writes it where there is none. */
async function expectPicture(name: string, picture: Buffer): Promise<void> {
  const file = path.join(references, `${name}.png`);
  if (process.env["UPDATE_SCREENSHOTS"] === "1") {
    await writeFile(file, picture);
    return;
  }
  expect((await stat(file)).isFile()).toBe(true);
  const clock = { x: 1080, y: 756, width: 200, height: 44 };
  expect(await desktop.difference(picture, await readFile(file), [clock])).toBeLessThan(0.01);
}
