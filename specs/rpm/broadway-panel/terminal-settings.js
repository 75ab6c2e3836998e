// SPDX-License-Identifier: Apache-2.0
// What the terminal looks like, and what it makes of what it is told. Pure.

/** Light text on the night of the launcher. */
export const palette = {
  foreground: "#e6e9f0",
  background: "#171c2b",
  /** Black, red, green, yellow, blue, magenta, cyan, white; then the same, bright. */
  colors: [
    "#2b3348",
    "#e0605e",
    "#7fbf6a",
    "#e3b35b",
    "#62a0ea",
    "#b98ad9",
    "#5bbfc0",
    "#ccd2df",
    "#56617c",
    "#f2857f",
    "#9fd98a",
    "#f2cb7d",
    "#8fbdf5",
    "#d2aaef",
    "#83dcdc",
    "#ffffff",
  ],
};

/**
 * @param {string | null} told by the environment
 * @param {(path: string) => boolean} isProgram
 * @returns {string}
 */
export function shellOf(told, isProgram) {
  const candidates = [...(told === null ? [] : [told]), "/bin/bash"];
  return candidates.find((path) => path.startsWith("/") && isProgram(path)) ?? "/bin/sh";
}

/** @param {string | null | undefined} title that the program in the terminal set */
export function tabTitle(title) {
  return title === null || title === undefined || title.trim() === "" ? "Terminal" : title.trim();
}

/**
 * @param {number} scale
 * @param {number} step up (1), down (-1), or back to normal (0)
 * @returns {number}
 */
export function fontScale(scale, step) {
  if (step === 0) return 1;
  return Math.min(Math.max(Math.round(scale * 1.15 ** step * 100) / 100, 0.5), 3);
}

/**
 * @param {number} status as waitpid gives it
 * @returns {import("./programs.js").End}
 */
export function endOfStatus(status) {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal };
}
