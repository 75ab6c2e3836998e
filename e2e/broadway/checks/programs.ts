import { expect } from "vitest";
import { applications } from "../applications.ts";
import type { Container } from "../container.ts";
import { until } from "../desktop.ts";
import { bringForward, notes, type Scene } from "./scene.ts";

/** What programs have to do, and the panel with them; see first-screen.ts. */

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

/** With the editor and the terminal open that the two checks above leave. */
export async function copiedTextIsPasted({ container, desktop }: Scene): Promise<void> {
  const { x, y, width, height } = await desktop.front();
  await desktop.page.mouse.click(x + width / 2, y + height / 2, { button: "right" });
  await desktop.settle();
  // The menu has Paste first, as nothing is selected yet, and Select All then.
  await desktop.press("ArrowDown", "ArrowDown", "Enter");
  await desktop.settle();
  await desktop.press("Control+Shift+C");
  await bringForward({ desktop }, "Mousepad");
  await desktop.press("Control+a", "Control+v", "Control+s");
  const text = await until("the file has another text", async () => {
    const saved = await container.exec(["cat", "/home/user/written.txt"]);
    return !saved.startsWith("Written") && saved;
  });
  expect(text).toMatch(/^\S+ id -u \| tee \/tmp\/uid\.txt *\n1000\n/);
}

/** With the terminal open. */
export async function terminalHasTabs({ container, desktop }: Scene): Promise<void> {
  await bringForward({ desktop }, "Terminal");
  const first = await ttyOf({ container, desktop }, "first");
  await desktop.press("Control+Shift+T");
  await desktop.settle();
  const second = await ttyOf({ container, desktop }, "second");
  expect(second, "the terminal of the second tab").not.toBe(first);
  await desktop.press("Control+PageUp");
  expect(await ttyOf({ container, desktop }, "again")).toBe(first);
}

async function ttyOf({ container, desktop }: Scene, name: string): Promise<string> {
  await desktop.type(`tty > /tmp/tty-${name}\n`);
  const tty = await until("the shell says which terminal it has", async () =>
    container.exec(["cat", `/tmp/tty-${name}`]),
  );
  expect(tty).toMatch(/^\/dev\/pts\/\d+\n$/);
  return tty;
}

/** A folder is entered, and its file opens in the editor, which the panel knows of. */
export async function fileOpensInEditor({ container, desktop }: Scene): Promise<void> {
  await container.exec(["mkdir", "--parents", "/home/user/notes"]);
  await container.exec(["bash", "-c", "echo one > /home/user/notes/one.txt"]);
  await desktop.launch("org.cleanroom.Files.desktop");
  await desktop.screenshot("files");
  // The first row is the only folder, and its first row the only file.
  await desktop.press("Home", "Enter");
  await desktop.settle();
  await desktop.press("Home", "Enter");
  const started = "panel: started org.xfce.mousepad.desktop";
  await until("the panel starts the editor", async () => {
    const log = (await container.logs()).split("\n");
    const opened = log.findIndex((line) => line.includes("org.cleanroom.Files.desktop"));
    return log.slice(opened).some((line) => line.startsWith(started));
  });
  await until(
    "the editor has a window",
    async () => (await desktop.applicationWindows()).length > 1,
  );
  await desktop.settle();
  expect(await container.logs()).not.toContain("JS ERROR");
}

/** Of two programs, each time the one that was asked for. */
export async function windowsComeForward({ desktop }: Scene): Promise<void> {
  const sizes: string[] = [];
  for (const name of ["Terminal", "Files", "Terminal", "Files"]) {
    await bringForward({ desktop }, name);
    const { width, height } = await desktop.front();
    sizes.push(`${width} x ${height}`);
  }
  const [terminal, files] = sizes;
  expect(sizes, "windows in front").toEqual([terminal, files, terminal, files]);
  expect(files, "the window in front").not.toBe(terminal);
  await desktop.screenshot("windows");
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
