// SPDX-License-Identifier: Apache-2.0
// Where things are on a screen of some size, and when the clock changes. Pure; in pixels.

/** Height of the panel. */
export const panelHeight = 44;

/** @typedef {{ x: number, y: number, width: number, height: number }} Rectangle */

/**
 * The panel is at the lower edge and as wide as the screen: Broadway puts new windows to the upper
 * left.
 *
 * @param {{ width: number, height: number }} screen
 * @returns {{ panel: Rectangle, launcher: Rectangle }} the launcher fills what the panel leaves
 */
export function layout({ width, height }) {
  const top = Math.max(height - panelHeight, 0);
  return {
    panel: { x: 0, y: top, width: Math.max(width, 1), height: panelHeight },
    launcher: { x: 0, y: 0, width: Math.max(width, 1), height: Math.max(top, 1) },
  };
}

/**
 * @param {number} width of the launcher
 * @param {number} tileWidth
 * @param {number} count of tiles
 * @returns {number} tiles in a row: at least one, no more than can be taken in at a glance, and
 *   about as many in the last row as in the others
 */
export function columns(width, tileWidth, count) {
  const most = Math.min(Math.max(Math.floor((width * 0.8) / tileWidth), 1), 6);
  const rows = Math.max(Math.ceil(count / most), 1);
  return Math.max(Math.ceil(count / rows), 1);
}

/**
 * @param {number} width of the panel
 * @param {number} count of programs
 * @returns {boolean} whether there is room for their names beside their icons
 */
export function namesFit(width, count) {
  return (width - 320) / Math.max(count, 1) >= 130;
}

/**
 * @param {number} nowMs since 1970
 * @returns {number} milliseconds until the clock shows another minute, a little late
 */
export function untilNextMinute(nowMs) {
  return 60_000 - (nowMs % 60_000) + 20;
}
