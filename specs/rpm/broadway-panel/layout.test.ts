import { expect, test } from "vitest";
import { columns, layout, panelHeight, untilNextMinute } from "./layout.js";

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
  [10, 1],
  [600, 3],
  [1280, 6],
  [4000, 6],
])("columns of a launcher %d wide", (width, count) => {
  expect(columns(width, 148)).toBe(count);
});

test("the clock waits for the next minute", () => {
  expect(untilNextMinute(60_000 * 5)).toBe(60_020);
  expect(untilNextMinute(60_000 * 5 + 59_990)).toBe(30);
});
