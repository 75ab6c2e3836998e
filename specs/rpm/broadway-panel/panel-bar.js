// SPDX-License-Identifier: Apache-2.0
// The bar at the lower edge: the launcher's button, the programs, the clock.

import GLib from "gi://GLib";
import GObject from "gi://GObject";
import Gtk from "gi://Gtk?version=3.0";
import Pango from "gi://Pango";
import { iconImage } from "./icon-image.js";
import { namesFit, untilNextMinute } from "./layout.js";
import { describeEnd, presenting } from "./programs.js";

/** @typedef {import("./programs.js").Program} Program */

/**
 * @typedef {object} BarActions
 * @property {() => void} toggleLauncher
 * @property {(program: Program) => void} choose
 * @property {(program: Program) => void} close
 */

export const PanelBar = GObject.registerClass(
  class PanelBar extends Gtk.ApplicationWindow {
    #programs;
    #clock;
    #launcherButton;
    #actions;
    /** @type {Map<number, { item: Gtk.Widget, close: Gtk.Widget }>} by process id */
    #items = new Map();

    /**
     * @param {Gtk.Application} application
     * @param {BarActions} actions
     */
    constructor(application, actions) {
      super({ application, decorated: false, resizable: true, title: "Panel" });
      this.#actions = actions;
      this.get_style_context().add_class("broadway-panel");

      this.#launcherButton = new Gtk.Button({ label: "Applications", always_show_image: true });
      this.#launcherButton.set_image(
        Gtk.Image.new_from_icon_name("view-app-grid-symbolic", Gtk.IconSize.BUTTON),
      );
      this.#launcherButton.get_style_context().add_class("broadway-launch");
      this.#launcherButton.connect("clicked", () => actions.toggleLauncher());

      this.#programs = new Gtk.Box({ spacing: 6 });
      const scrolled = new Gtk.ScrolledWindow({
        vscrollbar_policy: Gtk.PolicyType.NEVER,
        hscrollbar_policy: Gtk.PolicyType.EXTERNAL,
        hexpand: true,
      });
      scrolled.add(this.#programs);

      this.#clock = new Gtk.Label();
      this.#clock.get_style_context().add_class("broadway-clock");
      this.#tick();

      const box = new Gtk.Box({ spacing: 6 });
      box.add(this.#launcherButton);
      box.add(scrolled);
      box.add(this.#clock);
      this.add(box);
      box.show_all();
      this.connect("delete-event", () => true);
    }

    get launcherButton() {
      return this.#launcherButton;
    }

    get clockText() {
      return this.#clock.get_text();
    }

    /** @param {number} pid */
    itemOf(pid) {
      return this.#items.get(pid);
    }

    /**
     * @param {readonly Program[]} programs
     * @param {number} width of the panel
     */
    setPrograms(programs, width) {
      const named = namesFit(width, programs.length);
      for (const child of this.#programs.get_children()) child.destroy();
      this.#items = new Map();
      for (const program of programs) this.#programs.add(this.#makeItem(program, named));
      this.#programs.show_all();
    }

    /**
     * @param {Program} program
     * @param {boolean} named with its name; one that died always is
     */
    #makeItem(program, named) {
      const dead = program.end !== undefined;
      const text = dead ? `${program.name}: ${describeEnd(program.end)}` : program.name;
      const label = new Gtk.Label({
        label: text,
        ellipsize: Pango.EllipsizeMode.END,
        max_width_chars: dead ? 36 : 18,
      });
      const inner = new Gtk.Box({ spacing: 8 });
      inner.add(
        dead
          ? Gtk.Image.new_from_icon_name("dialog-warning-symbolic", Gtk.IconSize.MENU)
          : iconImage(program.icon, 20),
      );
      if (named || dead) inner.add(label);
      const button = new Gtk.Button({ tooltip_text: tooltip(program) });
      button.add(inner);
      button.connect("clicked", () => this.#actions.choose(program));

      const close = Gtk.Button.new_from_icon_name("window-close-symbolic", Gtk.IconSize.MENU);
      close.set_tooltip_text(dead ? "Dismiss" : `Close ${program.name}`);
      close.connect("clicked", () => this.#actions.close(program));

      const item = new Gtk.Box();
      const style = item.get_style_context();
      style.add_class("linked");
      style.add_class("broadway-program");
      if (dead) style.add_class("dead");
      else if (program.closing > 0) style.add_class("closing");
      item.add(button);
      item.add(close);
      this.#items.set(program.pid, { item: button, close });
      return item;
    }

    #tick() {
      const now = GLib.DateTime.new_now_local();
      this.#clock.set_text(now.format("%a %e %b   %H:%M") ?? "");
      this.#clock.set_tooltip_text(now.format("%A, %e %B %Y"));
      GLib.timeout_add(GLib.PRIORITY_DEFAULT, untilNextMinute(Date.now()), () => {
        this.#tick();
        return GLib.SOURCE_REMOVE;
      });
    }
  },
);

/** @param {Program} program */
function tooltip(program) {
  if (program.end !== undefined) return `Start ${program.name} again`;
  return presenting(program) === undefined ? program.name : `Bring ${program.name} forward`;
}
