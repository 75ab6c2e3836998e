import { createLogger } from "@cleanroom/core";
import { BuildProgress } from "@cleanroom/rpm-runner";
import { expect, test } from "vitest";
import { progressLines, ProgressView, summaryLine } from "./progress-view.ts";

function run(): BuildProgress {
  let now = 0;
  const progress = new BuildProgress(() => (now += 1000));
  const builds = [
    { id: "glib2", needs: [], expectedMs: 90_000 },
    { id: "cairo", needs: [], expectedMs: undefined },
    { id: "pango", needs: ["glib2", "cairo"], expectedMs: 60_000 },
  ];
  progress.begin(builds, 2);
  return progress;
}

test("a run in one line, and in a few", () => {
  const progress = run();
  progress.set("cairo", "cached");
  progress.set("glib2", "running");
  expect(summaryLine(progress.snapshot())).toMatch(
    /^1 of 3: 1 running, 1 waiting, 1 cached; at most 2 min \d+ s left$/,
  );
  expect(progressLines(progress.snapshot())[0]).toMatch(/^ {2}glib2: \d\.0 s of about 1 min 30 s$/);
});

test("what is not known is said to be unknown", () => {
  const progress = new BuildProgress();
  progress.begin([{ id: "a", needs: [], expectedMs: undefined }], 1);
  expect(summaryLine(progress.snapshot())).toBe(
    "0 of 1: 1 waiting; nobody knows yet how long it takes",
  );
});

/** Shows a run on a stream, and keeps what was written. */
function shown(isTTY: boolean): { written: string[]; progress: BuildProgress; view: ProgressView } {
  const written: string[] = [];
  const view = new ProgressView({ isTTY, columns: 60, write: (text) => written.push(text) });
  const write = (text: string): void => view.write(text);
  const progress = run();
  view.show(progress, createLogger({ format: "human", quiet: false, write }), true);
  return { written, progress, view };
}

test("without a terminal, a line for the first build, and one for each that ends", () => {
  const { written, progress } = shown(false);
  progress.set("cairo", "cached");
  progress.set("glib2", "running");
  progress.set("glib2", "built");
  progress.set("pango", "cached");
  expect(written).toEqual([
    expect.stringMatching(/^1 of 3: 1 running, 1 waiting, 1 cached; at most .* left\n$/),
    expect.stringMatching(/^2 of 3: 1 waiting, 1 built, 1 cached; .*\n$/),
  ]);
});

test("without a terminal, nothing when all was cached", () => {
  const { written, progress } = shown(false);
  for (const id of ["glib2", "cairo", "pango"]) progress.set(id, "cached");
  expect(written).toEqual([]);
});

test("on a terminal, lines are drawn below the log and are gone in the end", () => {
  const { written, progress, view } = shown(true);
  progress.set("glib2", "running");
  view.write("a line of the log\n");
  expect(written[0]).toBe("a line of the log\n");
  expect(written[1]).toMatch(/glib2: .*\n0 of 3/);
  for (const id of ["glib2", "cairo", "pango"]) progress.set(id, "built");
  expect(written.at(-1)).toBe("\u001b[2F\u001b[J");
  view.write("the end\n");
  expect(written.at(-1)).toBe("the end\n");
});

test("nothing is drawn over what is written after the end", () => {
  const { written, progress, view } = shown(true);
  progress.set("glib2", "running");
  view.write("a line of the log\n");
  view.end();
  expect(written.at(-1)).toBe("\u001b[2F\u001b[J");
  progress.set("cairo", "running");
  view.write("interrupted\n");
  view.write("a later line of the log\n");
  expect(written.slice(-2)).toEqual(["interrupted\n", "a later line of the log\n"]);
});
