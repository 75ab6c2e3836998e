// SPDX-License-Identifier: Apache-2.0
// The desktop files of this machine, as plain values.

import Gio from "gi://Gio";

/** @typedef {import("./applications.js").Application} Application */

/** @returns {Application[]} those that want to be shown */
export function installedApplications() {
  return Gio.AppInfo.get_all()
    .filter((info) => info.should_show())
    .map((info) => {
      const desktop = /** @type {Gio.DesktopAppInfo} */ (info);
      return {
        id: desktop.get_id() ?? "",
        name: desktop.get_display_name(),
        description: desktop.get_description() ?? "",
        keywords: desktop.get_keywords() ?? [],
        exec: desktop.get_string("Exec") ?? "",
        icon: desktop.get_string("Icon") ?? "",
        file: desktop.get_filename() ?? "",
        terminal: desktop.get_boolean("Terminal"),
      };
    })
    .filter(({ id, exec }) => id !== "" && exec !== "");
}

/** Watches only as long as somebody holds it. */
const monitor = Gio.AppInfoMonitor.get();

/** @param {() => void} onChange when something was installed or removed */
export function watchApplications(onChange) {
  monitor.connect("changed", onChange);
}
