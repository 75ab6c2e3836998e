import type { Container } from "../container.ts";
import { type Desktop, type PanelState, until } from "../desktop.ts";

/** A running desktop and the browser that shows it. */
export interface Scene {
  readonly container: Container;
  readonly desktop: Desktop;
}

/** A program that starts at once. */
export const notes = "l3afpad.desktop";

export async function panelIsThere({ desktop }: Pick<Scene, "desktop">): Promise<PanelState> {
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

/** Clicks on a program in the panel. */
export async function bringForward(
  { desktop }: Pick<Scene, "desktop">,
  name: string,
): Promise<void> {
  const program = (await desktop.panel()).programs.find((found) => found.name === name);
  await desktop.click(program?.place);
  await desktop.settle();
}
