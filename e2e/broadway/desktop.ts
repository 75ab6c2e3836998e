import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import {
  averageColours,
  type Colour,
  countColours,
  encodeWebp,
  gridColumns,
  gridRows,
} from "./picture.ts";

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What the panel says of itself (org.cleanroom.Panel.Describe). */
export interface PanelState {
  readonly screen: { readonly width: number; readonly height: number };
  readonly panel: Place;
  readonly clock: string;
  readonly launcherButton: Place;
  readonly launcherOpen: boolean;
  readonly applications: readonly {
    readonly id: string;
    readonly name: string;
    readonly place?: Place;
  }[];
  readonly programs: readonly PanelProgram[];
}

export interface PanelProgram {
  readonly pid: number;
  readonly application: string;
  readonly name: string;
  readonly windowsName?: string;
  readonly busName?: string;
  readonly end?: { readonly code: number } | { readonly signal: number };
  readonly place?: Place;
  readonly closePlace?: Place;
}

/** A window as the browser shows it: one canvas each. */
export interface BrowserWindow extends Place {
  readonly order: number;
}

const chromiumPath = "/usr/bin/chromium";

const chromiumArguments = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** Runs a command where the desktop is. */
export type Exec = (command: readonly string[]) => Promise<string>;

/** A desktop in a browser, seen and used as a person would. */
export class Desktop {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #exec: Exec;
  readonly #screenshots: string;
  /** Where pictures are looked at; a page of its own takes a process to open. */
  #pictures: Promise<Page> | undefined;

  private constructor(browser: Browser, page: Page, exec: Exec, screenshots: string) {
    this.#browser = browser;
    this.page = page;
    this.#exec = exec;
    this.#screenshots = screenshots;
  }

  /** @param screenshots folder that pictures are kept in */
  static async open(url: string, exec: Exec, screenshots: string): Promise<Desktop> {
    const browser = await Desktop.openBrowser();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("dialog", (dialog) => void dialog.dismiss());
    await mkdir(screenshots, { recursive: true });
    const desktop = new Desktop(browser, page, exec, screenshots);
    try {
      // The engine forwards the port before anybody listens in the container.
      await until("the page loads", async () => (await page.goto(url))?.ok());
    } catch (error) {
      await desktop.close();
      throw error;
    }
    return desktop;
  }

  static async openBrowser(): Promise<Browser> {
    return chromium.launch({ executablePath: chromiumPath, args: chromiumArguments });
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  async panel(): Promise<PanelState> {
    const text = await this.#exec([
      ...["gdbus", "call", "--session", "--timeout", "5"],
      ...["--dest", "org.cleanroom.Panel", "--object-path", "/org/cleanroom/Panel"],
      ...["--method", "org.cleanroom.Panel.Describe"],
    ]);
    return JSON.parse(stringOf(text)) as PanelState;
  }

  /** Windows that can be seen, the panel among them, from back to front. */
  async windows(): Promise<readonly BrowserWindow[]> {
    const all = await this.page.$$eval("canvas", (canvases) =>
      canvases.map((canvas) => ({
        x: Number.parseInt(canvas.style.left, 10),
        y: Number.parseInt(canvas.style.top, 10),
        width: canvas.width,
        height: canvas.height,
        order: Number(canvas.style.zIndex),
        visible: canvas.style.visibility === "visible",
      })),
    );
    return all
      .filter(({ visible, width }) => visible && width > 10)
      .toSorted((a, b) => a.order - b.order);
  }

  /** The window in front of all others. */
  async front(): Promise<BrowserWindow> {
    const window = (await this.windows()).at(-1);
    if (window === undefined) throw new Error("there is no window");
    return window;
  }

  /** @param heldMs how long the button is held */
  async click(place: Place | undefined, heldMs = 0): Promise<void> {
    if (place === undefined) throw new Error("there is nothing to click on");
    const [x, y] = [place.x + place.width / 2, place.y + place.height / 2];
    await this.page.mouse.click(x, y, { delay: heldMs });
  }

  /** Opens the launcher unless it is open, and clicks on an application; see {@link click}. */
  async launch(id: string, heldMs = 0): Promise<PanelProgram> {
    const before = new Set((await this.panel()).programs.map(({ pid }) => pid));
    const windowsBefore = (await this.applicationWindows()).length;
    const tile = await this.#tile(id);
    await this.click(tile, heldMs);
    const program = await until(`${id} runs`, async () =>
      (await this.panel()).programs.find(
        ({ pid, application }) => application === id && !before.has(pid),
      ),
    );
    await until(
      `${id} shows a window`,
      async () => (await this.applicationWindows()).length > windowsBefore,
    );
    await this.settle();
    return program;
  }

  async #tile(id: string): Promise<Place> {
    const { launcherOpen, launcherButton } = await this.panel();
    if (!launcherOpen) {
      await this.click(launcherButton);
      await until("the launcher opens", async () => (await this.panel()).launcherOpen);
    }
    await until("the launcher is in front", async () => this.#launcherIsInFront());
    await this.settle();
    return until(`the launcher shows ${id}`, async () => {
      const { applications, launcherOpen: open } = await this.panel();
      return open ? applications.find((application) => application.id === id)?.place : undefined;
    });
  }

  /** Neither the panel nor the launcher, nor a tooltip. */
  async applicationWindows(): Promise<readonly BrowserWindow[]> {
    const state = await this.panel();
    return (await this.windows()).filter(
      (window) => window.height > 100 && !isPanel(window, state) && !isLauncher(window, state),
    );
  }

  /** Nothing but the panel covers a part of it. */
  async #launcherIsInFront(): Promise<boolean> {
    const state = await this.panel();
    const front = (await this.windows()).findLast((window) => !isPanel(window, state));
    return front !== undefined && isLauncher(front, state);
  }

  /** Closes every program by its button in the panel. */
  async closeAll(): Promise<void> {
    await until(
      "no program is left",
      async () => {
        const [first] = (await this.panel()).programs;
        if (first === undefined) return true;
        await this.click(first.closePlace);
        await this.settle();
        return false;
      },
      patienceMs * 3,
    );
    await until("no window is left", async () => (await this.applicationWindows()).length === 0);
  }

  /** Types as fast as a person, so that no key is lost. */
  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text, { delay: 25 });
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key, { delay: 25 });
  }

  /** Waits until the picture stays as it is. */
  async settle(): Promise<Buffer> {
    let before = await this.page.screenshot();
    return until("the picture stays as it is", async () => {
      await sleep(250);
      const now = await this.page.screenshot();
      const same = now.equals(before);
      before = now;
      return same ? now : undefined;
    });
  }

  /** Keeps a picture of the screen. */
  async screenshot(name: string): Promise<Buffer> {
    const picture = await this.settle();
    await writeFile(path.join(this.#screenshots, `${name}.png`), picture);
    return picture;
  }

  /** Average colours of a picture, in rows of cells from the upper left. */
  async grid(picture: Buffer): Promise<readonly (readonly Colour[])[]> {
    return this.#inPage(averageColours, [picture.toString("base64"), gridColumns, gridRows]);
  }

  /** A picture as a small WebP file. */
  async webp(picture: Buffer): Promise<Buffer> {
    return Buffer.from(await this.#inPage(encodeWebp, picture.toString("base64")), "base64");
  }

  /** How many different colours a part of the screen has. */
  async colours(picture: Buffer, place: Place): Promise<number> {
    return this.#inPage(countColours, [picture.toString("base64"), place]);
  }

  /** Runs a function of picture.ts where pictures can be decoded. */
  async #inPage<A, T>(run: (argument: A) => Promise<T>, argument: A): Promise<T> {
    this.#pictures ??= this.#browser.newPage();
    return (await this.#pictures).evaluate(run as never, argument);
  }
}

function isPanel({ width, height }: Place, { screen, panel }: PanelState): boolean {
  return width === screen.width && height === panel.height;
}

function isLauncher({ y, width, height }: Place, { screen, panel }: PanelState): boolean {
  return y === 0 && width === screen.width && height === panel.y;
}

/** Whether a page shows the panel, whose left part is drawn. */
export async function panelIsPainted(page: Page): Promise<boolean> {
  return page.evaluate(`[...document.querySelectorAll("canvas")].some((canvas) =>
    canvas.style.visibility === "visible" && canvas.width === 1280 && canvas.height === 44 &&
    canvas.getContext("2d").getImageData(60, 20, 1, 1).data[3] > 0)`);
}

/** The string in what gdbus prints: `('text',)`, with backslashes before quotes and backslashes. */
function stringOf(printed: string): string {
  const quoted = /^\((['"])(.*)\1,\)\s*$/s.exec(printed)?.[2];
  if (quoted === undefined) throw new Error(`not a string: ${printed}`);
  return quoted.replaceAll(/\\(.)/gs, "$1");
}

let patienceMs = 60_000;

/** How long {@link until} waits; tests of what will never come have less of it. */
export function setPatience(timeMs: number): void {
  patienceMs = timeMs;
}

/**
 * Waits in real time for a value that is neither undefined nor false.
 *
 * @throws {Error} when it does not come
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  timeoutMs = patienceMs,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause: last });
    }
    await sleep(60);
  }
}
