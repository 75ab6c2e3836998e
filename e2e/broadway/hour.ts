import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { run } from "@cleanroom/core";
import { Workspace } from "../workspace.ts";
import { applications } from "./applications.ts";
import { Container, loadImage } from "./container.ts";
import { Desktop, setPatience, until } from "./desktop.ts";
import { megabytes, memoryOf, sumOf } from "./memory.ts";

/**
 * Uses the desktop for an hour as a script can: programs are started, typed into, brought forward
 * and closed, the browser's window changes its size and is reloaded. What stays running (process 1,
 * session, bus, broadwayd, panel) may not grow by more than 20 MB once it is warm; nothing may
 * crash or stay behind as a zombie.
 *
 *     node e2e/broadway/hour.ts [--minutes 60]
 */

const limitBytes = 20 * 1024 * 1024;
const warmRounds = 5;
const screenshots = path.resolve(import.meta.dirname, "../../dist/screenshots/hour");

const { values } = parseArgs({ options: { minutes: { type: "string", default: "60" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 180)) throw new Error("--minutes is from 1 to 180");

/** One round of use: every application once, and the browser in another size. */
async function use(desktop: Desktop, round: number): Promise<void> {
  for (const [id] of applications) {
    // Its bars never stand still, which is what the steps here wait for.
    if (id === "gtk3-widget-factory.desktop") continue;
    await desktop.launch(id);
    await desktop.type(`round ${round}: the quick brown fox jumps over the lazy dog`);
  }
  for (const program of (await desktop.panel()).programs) {
    await desktop.click(program.place);
    await desktop.settle();
  }
  await desktop.page.setViewportSize({ width: 900 + (round % 5) * 60, height: 640 });
  await desktop.settle();
  await desktop.page.setViewportSize({ width: 1280, height: 800 });
  await until("the panel is as wide", async () => (await desktop.panel()).panel.width === 1280);
  if (round % 5 === 0) {
    await desktop.page.reload();
    await until("the panel answers", async () => (await desktop.panel()).panel.width === 1280);
    await desktop.settle();
  }
  await closeEverything(desktop);
}

/** An editor asks whether to save: told to close again, it ends. */
async function closeEverything(desktop: Desktop): Promise<void> {
  await until(
    "no program is left",
    async () => {
      const [first] = (await desktop.panel()).programs;
      if (first === undefined) return true;
      if (first.end !== undefined) throw new Error(`${first.name} died: ${JSON.stringify(first)}`);
      await desktop.click(first.closePlace);
      await desktop.settle();
      return false;
    },
    120_000,
  );
}

// Whatever else the machine has to do in an hour.
setPatience(120_000);
const workspace = await Workspace.copy();
const image = await loadImage(workspace, "broadway");
// With a name of its own, so that others can bring the image up meanwhile.
const container = await Container.start("cleanroom-broadway-hour", image.imageId);
const desktop = await Desktop.open(
  await container.url(),
  async (command) => container.exec(command),
  screenshots,
);
const failures: string[] = [];
try {
  await until("the panel answers", async () => (await desktop.panel()).panel.width === 1280);
  const deadline = Date.now() + minutes * 60_000;
  let warm: Map<string, number> | undefined;
  let last = new Map<string, number>();
  for (let round = 1; Date.now() < deadline || round <= warmRounds + 1; round += 1) {
    await use(desktop, round);
    await sleep(1000);
    last = await memoryOf(container, "written");
    // Caches of fonts, icons and code fill in the first rounds.
    if (round === warmRounds) warm = last;
    const each = [...last].map(([name, bytes]) => `${name} ${megabytes(bytes)}`).join(", ");
    console.log(`round ${round}: ${megabytes(sumOf(last))}: ${each}`);
  }
  const growth = sumOf(last) - sumOf(warm ?? last);
  console.log(`grown by ${megabytes(growth)} since round ${warmRounds}`);
  if (growth > limitBytes) failures.push(`grown by ${megabytes(growth)}`);
  const log = await container.logs();
  const trouble = log.match(/.*(killed by|crash|abort|JS ERROR|CRITICAL|ended with code).*/g) ?? [];
  if (trouble.length > 0) failures.push(...trouble);
  const dead = (await container.processes()).filter(({ state }) => state.startsWith("Z"));
  if (dead.length > 0) failures.push(`zombies: ${JSON.stringify(dead)}`);
  const { timeMs, exitCode } = await container.stop();
  console.log(`stopped in ${Math.round(timeMs)} ms with code ${exitCode}`);
  if (exitCode !== 0) failures.push(`exit code ${exitCode}`);
} catch (error) {
  console.error(await container.logs());
  console.error(JSON.stringify(await desktop.panel()));
  console.error(JSON.stringify(await desktop.windows()));
  await desktop.page.screenshot({ path: path.join(screenshots, "failure.png") });
  throw error;
} finally {
  await desktop.close();
  await container.remove();
  await run("rm", ["-rf", workspace.folder]);
}
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
