import { expect, test } from "vitest";
import { endOfStatus, fontScale, palette, shellOf, tabTitle } from "./terminal-settings.js";

test("shellOf: what the environment says, if it is a program", () => {
  expect(shellOf("/bin/zsh", () => true)).toBe("/bin/zsh");
  expect(shellOf("/bin/zsh", (path) => path === "/bin/bash")).toBe("/bin/bash");
  expect(shellOf("zsh", () => true)).toBe("/bin/bash");
  expect(shellOf(null, () => false)).toBe("/bin/sh");
});

test.each([
  [null, "Terminal"],
  ["  ", "Terminal"],
  ["user@host: ~", "user@host: ~"],
])("tabTitle(%j)", (title, shown) => {
  expect(tabTitle(title)).toBe(shown);
});

test("fontScale goes up and down within limits, and back", () => {
  expect(fontScale(1, 1)).toBe(1.15);
  expect(fontScale(1.15, -1)).toBe(1);
  expect(fontScale(3, 1)).toBe(3);
  expect(fontScale(0.5, -1)).toBe(0.5);
  expect(fontScale(2.3, 0)).toBe(1);
});

test("endOfStatus", () => {
  expect(endOfStatus(0)).toEqual({ code: 0 });
  expect(endOfStatus(3 << 8)).toEqual({ code: 3 });
  expect(endOfStatus(9)).toEqual({ signal: 9 });
  expect(endOfStatus(11 | 0x80)).toEqual({ signal: 11 });
});

test("the palette is whole", () => {
  const colors = [palette.foreground, palette.background, ...palette.colors];
  expect(colors).toHaveLength(18);
  expect(colors.filter((color) => !/^#[0-9a-f]{6}$/.test(color))).toEqual([]);
});
