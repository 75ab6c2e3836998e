// SPDX-License-Identifier: Apache-2.0
// The icon of an application, or the one that stands for any program.

import Gio from "gi://Gio";
import Gtk from "gi://Gtk?version=3.0";

const anyProgram = "application-x-executable";

/**
 * @param {string} icon name in the icon theme, path of a picture, or nothing
 * @param {number} pixels
 * @returns {Gtk.Image}
 */
export function iconImage(icon, pixels) {
  const image = icon.startsWith("/")
    ? Gtk.Image.new_from_gicon(Gio.FileIcon.new(Gio.File.new_for_path(icon)), Gtk.IconSize.DIALOG)
    : Gtk.Image.new_from_icon_name(knownName(icon), Gtk.IconSize.DIALOG);
  image.set_pixel_size(pixels);
  return image;
}

/** @param {string} icon */
function knownName(icon) {
  const theme = Gtk.IconTheme.get_default();
  const name = icon.replace(/\.(png|svg|xpm)$/, "");
  if (name !== "" && theme.has_icon(name)) return name;
  return theme.has_icon(anyProgram) ? anyProgram : `${anyProgram}-symbolic`;
}
