import { expect } from "vitest";
import { until } from "../desktop.ts";
import { notes, panelIsThere, panelProcess, type Scene } from "./scene.ts";

/** What the session has to do, whatever happens to it; see first-screen.ts. */

/** Panel and windows follow the size of the browser's window. */
export async function desktopFollowsBrowser({ desktop }: Scene): Promise<void> {
  await desktop.launch(notes);
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
  await panelIsThere({ desktop });
  await desktop.closeAll();
}

export async function sessionSurvivesReload({ desktop }: Scene): Promise<void> {
  await desktop.launch(notes);
  const before = await desktop.panel();
  await desktop.page.reload();
  await until("the window is back", async () => (await desktop.applicationWindows()).length === 1);
  await panelIsThere({ desktop });
  const after = await desktop.panel();
  expect(after.programs.map(({ pid }) => pid)).toEqual(before.programs.map(({ pid }) => pid));
  await desktop.closeAll();
}

export async function panelIsStartedAgain({ container, desktop }: Scene): Promise<void> {
  const pid = await panelProcess(container);
  await container.exec(["bash", "-c", `kill -9 ${pid}`]);
  await until("another panel runs", async () => {
    return (await panelProcess(container)) !== pid && (await desktop.panel()).launcherOpen;
  });
  expect(await container.logs()).toContain("session: panel was killed by signal 9");
}

/** Processes that have ended and that nobody has asked about. */
export async function hasNoZombie({ container }: Pick<Scene, "container">): Promise<void> {
  const dead = (await container.processes()).filter(({ state }) => state.startsWith("Z"));
  expect(dead, "zombies").toEqual([]);
}

/** Catatonit, as uid 1000 and without a capability. */
export async function processOneIsPlain({ container }: Pick<Scene, "container">): Promise<void> {
  const status = (await container.exec(["cat", "/proc/1/status"])).split("\n");
  const field = (name: string) => status.find((line) => line.startsWith(`${name}:`));
  expect(field("Name")).toBe("Name:\tcatatonit");
  expect(field("Uid")).toBe("Uid:\t1000\t1000\t1000\t1000");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    expect(field(set)).toBe(`${set}:\t0000000000000000`);
  }
}

export async function processesMapNoX11({ container }: Pick<Scene, "container">): Promise<void> {
  const script = "cat /proc/[0-9]*/maps 2>/dev/null";
  const maps = await container.exec(["bash", "-c", script]);
  expect(maps).toContain("libgtk-3.so");
  const mapped = maps.match(/\/\S*lib(?:X\w+|xcb[\w-]*|wayland-\w+)\.so\S*/g) ?? [];
  expect([...new Set(mapped)], "X11 that processes map").toEqual([]);
}

export async function stopsQuickly({ container }: Pick<Scene, "container">): Promise<void> {
  const { timeMs, exitCode } = await container.stop();
  expect(exitCode, "exit code").toBe(0);
  expect(timeMs).toBeLessThan(3000);
}
