// SPDX-License-Identifier: Apache-2.0
// What Broadway's clients have to do by themselves, because it has no window manager.

import GLib from "gi://GLib";

/** Until broadwayd has seen the browser's answer. */
const raiseMs = 400;

/**
 * Brings a window to the front and gives it the keyboard. GDK's own request to raise a window does
 * nothing in Broadway; but broadwayd raises a modal window when the browser tells where it is, and
 * the browser does so after every move.
 *
 * @param {import("gi://Gtk").default.Window} window
 * @param {{ x: number, y: number }} [place] where it goes; where it is when absent
 */
export function bringToFront(window, place) {
  const surface = window.get_window();
  if (surface === null || !window.get_mapped()) {
    window.present();
    return;
  }
  // A menu that some program closed in haste can leave a grab behind, and then nothing is raised.
  surface.get_display().get_default_seat().ungrab();
  const [, left, upper] = surface.get_origin();
  const { x, y } = place ?? { x: left, y: upper };
  surface.set_modal_hint(true);
  surface.move(x, y);
  surface.get_display().flush();
  GLib.timeout_add(GLib.PRIORITY_DEFAULT, raiseMs, () => {
    if (!surface.is_destroyed()) surface.set_modal_hint(window.get_modal());
    return GLib.SOURCE_REMOVE;
  });
}
