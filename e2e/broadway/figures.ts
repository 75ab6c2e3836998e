import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "@cleanroom/core";
import { inspectImage } from "@cleanroom/image-composer";
import { Workspace } from "../workspace.ts";
import { bringUp, Container } from "./container.ts";
import { Desktop, panelIsPainted, until } from "./desktop.ts";
import { megabytes, memoryOf, sumOf } from "./memory.ts";

/**
 * The figures that the desktop is measured by, on this machine as it is now; each beside its bar.
 *
 *     node e2e/broadway/figures.ts
 */

const screenshots = path.resolve(import.meta.dirname, "../../dist/screenshots/figures");
const idleSeconds = 30;
const starts = 20;
const containerName = "cleanroom-broadway-figures";

async function timed<T>(action: () => Promise<T>): Promise<[T, number]> {
  const startedMs = performance.now();
  const result = await action();
  return [result, performance.now() - startedMs];
}

function report(what: string, value: string, bar: string): void {
  console.log(`${what.padEnd(52)} ${value.padStart(12)}   (bar: ${bar})`);
}

function seconds(timeMs: number): string {
  return `${(timeMs / 1000).toFixed(2)} s`;
}

/** Clock ticks of 10 ms that each process of a container has used, by its number. */
async function ticks(container: Container): Promise<ReadonlyMap<string, number>> {
  const script =
    'for f in /proc/[0-9]*/stat; do read -r line < $f && set -- ${line##*) } && echo "$f ${12} ${13}"; done 2>/dev/null; true';
  const text = await container.exec(["bash", "-c", script]);
  return new Map(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([file = "", user, system]) => [file, Number(user) + Number(system)]),
  );
}

/** What those used that were there all the time: commands that looked in come and go. */
function ticksBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  return [...after].reduce((sum, [file, used]) => sum + used - (before.get(file) ?? used), 0);
}

/** From the command that starts a container until the browser has painted the panel. */
async function startToPanel(imageId: string): Promise<number> {
  // The browser is there already, as a user's is.
  const browser = await Desktop.openBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  let container: Container | undefined;
  try {
    const startedMs = performance.now();
    container = await Container.start(containerName, imageId);
    const url = await container.url();
    await until("the page loads", async () => (await page.goto(url))?.ok());
    await until("the panel is painted", async () => panelIsPainted(page));
    return performance.now() - startedMs;
  } finally {
    await browser.close();
    await container?.remove();
  }
}

const workspace = await Workspace.copy();
try {
  await workspace.cleanroom(["up", "broadway", "--no-run"]);
  const [up, warmMs] = await timed(async () => bringUp(workspace, "broadway"));
  report("up, everything built", seconds(warmMs), "6 s");
  const before = up.image;
  report("unpacked", megabytes(before.unpackedBytes), "110 MiB");
  report("compressed", megabytes(before.compressedBytes), "40 MiB");

  await workspace.edit("specs/rpm/broadway-panel/panel.js", (text) =>
    text.replace("const folder =", 'print("edited");\nconst folder ='),
  );
  const [, editMs] = await timed(async () => bringUp(workspace, "broadway"));
  report("up, after an edit of the panel", seconds(editMs), "10 s");
  const after = await inspectImage(workspace.path("dist/images/broadway"));
  const known = new Set(before.layers.map(({ digest }) => digest));
  const changed = after.layers.filter(({ digest }) => !known.has(digest));
  report(
    "layers that changed with it",
    changed.map(({ packages }) => (packages.length === 0 ? "state" : "panel")).join(", "),
    "panel and state",
  );
  console.log(`  ${changed.map(({ packages }) => packages.join(" ")).join("\n  ")}`);

  const times: number[] = [];
  for (let count = 0; count < 5; count += 1) times.push(await startToPanel(after.imageId));
  times.sort((a, b) => a - b);
  report("start to panel painted, median of 5", seconds(times[2]!), "2.5 s");

  const { container, url } = up;
  const desktop = await Desktop.open(url, async (command) => container.exec(command), screenshots);
  await until("the panel answers", async () => (await desktop.panel()).panel.width === 1280);
  await desktop.settle();
  await sleep(3000);
  report("memory, panel alone", megabytes(sumOf(await memoryOf(container, "whole"))), "150 MB");
  const ticksBefore = await ticks(container);
  await sleep(idleSeconds * 1000);
  const used = ticksBetween(ticksBefore, await ticks(container));
  report(`idle CPU over ${idleSeconds} s`, `${(used / idleSeconds).toFixed(2)} %`, "1 %");
  await desktop.close();

  let slowestStopMs = 0;
  for (let count = 0; count < starts; count += 1) {
    const one = await Container.start(containerName, after.imageId);
    await until("the page answers", async () => (await fetch(await one.url())).ok);
    const { timeMs, exitCode } = await one.stop();
    if (exitCode !== 0) throw new Error(`stop ${count}: exit code ${exitCode}`);
    slowestStopMs = Math.max(slowestStopMs, timeMs);
    await one.remove();
  }
  report(`slowest of ${starts} stops, all with code 0`, seconds(slowestStopMs), "3 s");
} finally {
  await workspace.cleanroom(["down", "broadway"]);
  await run("rm", ["-rf", workspace.folder]);
}
