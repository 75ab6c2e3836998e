import { createServer, type Server } from "node:net";
import path from "node:path";
import type { BuiltImage } from "@cleanroom/image-composer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { filesAreClean } from "../broadway/checks/image.ts";
import { hasNoZombie, stopsQuickly } from "../broadway/checks/session.ts";
import { bringUp, type Container } from "../broadway/container.ts";
import { Desktop, type Place, until } from "../broadway/desktop.ts";
import { Workspace } from "../workspace.ts";

/** GTK 4 as a user meets it: `up`, a browser, and the two demonstrations. */

const screenshots = path.resolve(import.meta.dirname, "../../dist/screenshots/broadway-gtk4");

let workspace: Workspace;
let container: Container;
let image: BuiltImage;
let desktop: Desktop;
let url: string;
let other: Server;

/** What the browser shows, from back to front. */
async function surfaces(): Promise<readonly Place[]> {
  const all = await desktop.page.$$eval("body > div", (divisions) =>
    divisions.map((division) => {
      const { x, y, width, height } = division.getBoundingClientRect();
      const { visibility, zIndex } = division.style;
      return { x, y, width, height, visible: visibility === "visible", order: Number(zIndex) };
    }),
  );
  return all.filter(({ visible }) => visible).toSorted((a, b) => a.order - b.order);
}

/** Neither the launcher nor a tooltip. */
async function windows(): Promise<readonly Place[]> {
  return (await surfaces()).filter(({ height }) => height > 100);
}

/** Clicks on a program in the launcher. */
async function choose(program: "demo" | "factory"): Promise<void> {
  await desktop.page.mouse.click(program === "demo" ? 80 : 260, 28);
}

/** Keeps a picture of what never stands still: the widget factory has bars that move. */
async function keepPicture(name: string): Promise<Buffer> {
  return desktop.page.screenshot({ path: path.join(screenshots, `${name}.png`) });
}

async function processOf(program: string): Promise<number | undefined> {
  const processes = await container.processes();
  return processes.find(({ command }) => command.endsWith(program))?.pid;
}

beforeAll(async () => {
  workspace = await Workspace.copy();
  // Somebody has the port that the image would have on the host.
  other = createServer().listen(8080, "127.0.0.1");
  // Unless somebody else has it already.
  other.on("error", () => undefined);
  ({ container, image, url } = await bringUp(workspace, "broadway-gtk4"));
  desktop = await Desktop.open(url, async (command) => container.exec(command), screenshots);
});

afterAll(async () => {
  other?.close();
  await desktop?.close();
  await workspace?.cleanroom(["down", "broadway-gtk4"]);
});

test("another port stands in for one that is taken, and the commands know it", async () => {
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(url).not.toContain(":8080/");
  const status = await workspace.cleanroom(["status", "broadway-gtk4"]);
  expect(status.stdout).toBe(`broadway-gtk4: running at ${url}\n`);
  const logs = await workspace.cleanroom(["logs", "broadway-gtk4"]);
  expect(logs.stdout).toContain("session: uid 1000");
});

test("the page shows the launcher, as wide as the browser's window", async () => {
  await until("the launcher has its place", async () => {
    const [launcher] = await surfaces();
    return launcher?.x === 0 && launcher.y === 0 && launcher.width === 1280;
  });
  const picture = await desktop.screenshot("launcher");
  // Both icons are drawn.
  for (const x of [22, 178]) {
    const icon = { x, y: 10, width: 36, height: 36 };
    expect(await desktop.colours(picture, icon)).toBeGreaterThan(8);
  }
});

test("both demonstrations start by a click, each below the launcher", async () => {
  await choose("factory");
  await until("the widget factory shows", async () => (await windows()).length === 1);
  await choose("demo");
  await until("the demonstration shows", async () => (await windows()).length === 2);
  for (const { y } of await windows()) expect(y).toBeGreaterThanOrEqual(56);
  const picture = await keepPicture("demonstrations");
  const whole = { x: 0, y: 0, width: 1280, height: 800 };
  expect(await desktop.colours(picture, whole)).toBeGreaterThan(20);
  expect(await processOf("gtk4-demo")).toBeDefined();
  expect(await processOf("gtk4-widget-factory")).toBeDefined();
});

test("a second click opens another window, in front of all", async () => {
  const before = await windows();
  await choose("factory");
  await until("there is another window", async () => (await windows()).length === 3);
  const front = (await windows()).at(-1)!;
  expect(before.map(({ x }) => x)).not.toContain(front.x);
});

test("a program that is killed is noticed, ends nothing else, and starts again", async () => {
  const pid = await processOf("gtk4-demo");
  await container.exec(["sh", "-c", `kill -9 ${pid}`]);
  await until("its window is gone", async () => (await windows()).length === 2);
  await until("the launcher knows", async () =>
    (await container.logs()).includes("launcher: org.gtk.Demo4.desktop ended by signal 9"),
  );
  await hasNoZombie({ container });
  expect(await processOf("gtk4-widget-factory")).toBeDefined();
  await keepPicture("killed");
  await choose("demo");
  await until("it shows again", async () => (await windows()).length === 3);
});

test("after a reload the windows are still there", async () => {
  const pids = async () => (await container.processes()).map(({ pid }) => pid);
  const before = await pids();
  await desktop.page.reload();
  await until("the windows are back", async () => (await windows()).length === 3);
  expect(await pids()).toEqual(before);
});

test("it runs the image that was composed, without X11, and stops at once", async () => {
  expect(await container.imageId()).toBe(image.imageId);
  expect(image.packages.filter(({ name }) => /x11|xcb|xorg/i.test(name))).toEqual([]);
  await stopsQuickly({ container });
  await filesAreClean({ container });
  expect((await workspace.cleanroom(["down", "broadway-gtk4"])).exitCode).toBe(0);
  const { exitCode, stdout } = await workspace.cleanroom(["status", "broadway-gtk4"]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "broadway-gtk4: absent\n" });
});
