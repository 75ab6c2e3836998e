import { expect, test } from "vitest";
import { columns, layout, namesFit, panelHeight, untilNextMinute } from "./layout.js";

test("panel and launcher fill the screen", () => {
  const { panel, launcher } = layout({ width: 1280, height: 800 });
  expect(panel).toEqual({ x: 0, y: 800 - panelHeight, width: 1280, height: panelHeight });
  expect(launcher).toEqual({ x: 0, y: 0, width: 1280, height: 800 - panelHeight });
});

test("a screen too small for the panel still gives rectangles that windows can have", () => {
  const { panel, launcher } = layout({ width: 0, height: 10 });
  expect(panel).toMatchObject({ y: 0, width: 1 });
  expect(launcher).toMatchObject({ width: 1, height: 1 });
});

test.each([
  [10, 7, 1],
  [600, 7, 3],
  [1280, 7, 4],
  [1280, 6, 6],
  [1280, 13, 5],
  [4000, 2, 2],
  [4000, 0, 1],
])("in a launcher %d wide, %d tiles stand in rows of %d", (width, count, expected) => {
  expect(columns(width, 148, count)).toBe(expected);
});

test("the names of programs are shown as long as there is room", () => {
  expect(namesFit(1280, 0)).toBe(true);
  expect(namesFit(1280, 7)).toBe(true);
  expect(namesFit(1280, 8)).toBe(false);
  expect(namesFit(300, 1)).toBe(false);
});

test("the clock waits for the next minute", () => {
  expect(untilNextMinute(60_000 * 5)).toBe(60_020);
  expect(untilNextMinute(60_000 * 5 + 59_990)).toBe(30);
});
