// SPDX-License-Identifier: Apache-2.0
// The first screen: every application with its icon and name, and a search.

import Gdk from "gi://Gdk?version=3.0";
import GLib from "gi://GLib";
import GObject from "gi://GObject";
import Gtk from "gi://Gtk?version=3.0";
import Pango from "gi://Pango";
import { search } from "./applications.js";
import { iconImage } from "./icon-image.js";
import { columns } from "./layout.js";

/** @typedef {import("./applications.js").Application} Application */

const tileWidth = 172;
const iconPixels = 72;

export const Launcher = GObject.registerClass(
  class Launcher extends Gtk.ApplicationWindow {
    /** @type {readonly Application[]} */
    #applications = [];
    /** @type {Map<Gtk.FlowBoxChild, Application>} */
    #tiles = new Map();
    #width = 1024;
    #search;
    #grid;
    #nothing;
    #onLaunch;
    /** Works as long as somebody holds it. */
    #press;

    /**
     * @param {Gtk.Application} application
     * @param {(application: Application) => void} onLaunch
     */
    constructor(application, onLaunch) {
      super({ application, decorated: false, resizable: true, title: "Applications" });
      this.#onLaunch = onLaunch;
      this.get_style_context().add_class("broadway-launcher");

      this.#search = new Gtk.SearchEntry({
        placeholder_text: "Search applications",
        halign: Gtk.Align.CENTER,
        width_chars: 36,
      });
      this.#search.connect("search-changed", () => this.#show());
      this.#search.connect("activate", () => this.#launchFirst());
      this.#search.connect("stop-search", () => this.#escape());

      this.#grid = new Gtk.FlowBox({
        selection_mode: Gtk.SelectionMode.SINGLE,
        activate_on_single_click: false,
        homogeneous: true,
        halign: Gtk.Align.CENTER,
        valign: Gtk.Align.START,
        row_spacing: 20,
        column_spacing: 20,
      });
      this.#grid.connect("child-activated", (_grid, tile) => {
        this.#launchTile(tile);
      });
      this.#press = this.#makePress();

      this.#nothing = new Gtk.Label({ label: "No application is called that", no_show_all: true });
      this.#nothing.get_style_context().add_class("broadway-nothing");

      const box = new Gtk.Box({
        orientation: Gtk.Orientation.VERTICAL,
        spacing: 64,
        margin_top: 88,
        margin_bottom: 24,
      });
      box.add(this.#search);
      box.add(this.#nothing);
      box.add(this.#grid);
      const scrolled = new Gtk.ScrolledWindow({ hscrollbar_policy: Gtk.PolicyType.NEVER });
      scrolled.add(box);
      this.add(scrolled);
      scrolled.show_all();

      this.connect("delete-event", () => {
        this.conceal();
        return Gdk.EVENT_STOP;
      });
      this.connect("key-press-event", (_window, event) => this.#typed(event));
    }

    /** @param {readonly Application[]} applications */
    setApplications(applications) {
      this.#applications = applications;
      this.#show();
    }

    /** @param {number} width */
    setWidth(width) {
      this.#width = width;
      const count = columns(width, tileWidth, this.#tiles.size);
      this.#grid.set_min_children_per_line(count);
      this.#grid.set_max_children_per_line(count);
    }

    /** Shows everything, ready for typing. */
    reset() {
      this.#search.set_text("");
      this.#grid.unselect_all();
      this.#search.grab_focus();
    }

    /** Without its surface: when it is shown again, a new one stands before all others. */
    conceal() {
      this.hide();
      this.unrealize();
    }

    /** @returns {{ id: string, name: string, widget: Gtk.Widget }[]} what is shown, in its order */
    shown() {
      return [...this.#tiles].map(([widget, { id, name }]) => ({ id, name, widget }));
    }

    #show() {
      const found = search(this.#applications, this.#search.get_text());
      for (const tile of this.#tiles.keys()) tile.destroy();
      this.#tiles = new Map(found.map((application) => [makeTile(application), application]));
      for (const tile of this.#tiles.keys()) this.#grid.add(tile);
      this.#grid.show_all();
      this.#nothing.set_visible(found.length === 0);
      const [first] = this.#tiles.keys();
      if (this.#search.get_text() !== "" && first !== undefined) this.#grid.select_child(first);
      else this.#grid.unselect_all();
      this.setWidth(this.#width);
    }

    /**
     * A click on a tile, however long it takes: the grid's own takes a press that lasts longer than
     * the first half of a double click for none, and on a slow line every press may last.
     */
    #makePress() {
      const press = new Gtk.GestureMultiPress({
        widget: this.#grid,
        propagation_phase: Gtk.PropagationPhase.CAPTURE,
      });
      /** @type {Gtk.FlowBoxChild | null} */
      let pressed = null;
      press.connect("pressed", (_press, _count, x, y) => {
        pressed = this.#grid.get_child_at_pos(x, y);
      });
      press.connect("released", (_press, _count, x, y) => {
        const tile = this.#grid.get_child_at_pos(x, y);
        const isClick = tile !== null && tile === pressed;
        pressed = null;
        if (!isClick) return;
        // The launcher goes away with it, but not before GTK is through with the event.
        GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
          this.#launchTile(tile);
          return GLib.SOURCE_REMOVE;
        });
      });
      return press;
    }

    /** @param {Gtk.FlowBoxChild} tile */
    #launchTile(tile) {
      const application = this.#tiles.get(tile);
      if (application !== undefined) this.#onLaunch(application);
    }

    #launchFirst() {
      const [first] = this.#tiles.values();
      if (first !== undefined && this.#search.get_text() !== "") this.#onLaunch(first);
    }

    #escape() {
      if (this.#search.get_text() === "") this.conceal();
      else this.#search.set_text("");
    }

    /**
     * Typing anywhere searches; arrows go from the entry into the grid.
     *
     * @param {Gdk.Event} event
     * @returns {boolean}
     */
    #typed(event) {
      const [, key] = event.get_keyval();
      if (key === Gdk.KEY_Escape) {
        this.#escape();
        return Gdk.EVENT_STOP;
      }
      if (this.#search.has_focus) {
        const [first] = this.#tiles.keys();
        if (key !== Gdk.KEY_Down || first === undefined) return Gdk.EVENT_PROPAGATE;
        first.grab_focus();
        return Gdk.EVENT_STOP;
      }
      return this.#search.handle_event(event);
    }
  },
);

/** @param {Application} application */
function makeTile(application) {
  const label = new Gtk.Label({
    label: application.name,
    justify: Gtk.Justification.CENTER,
    wrap: true,
    lines: 2,
    ellipsize: Pango.EllipsizeMode.END,
    max_width_chars: 15,
  });
  const box = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL, spacing: 14 });
  box.add(iconImage(application.icon, iconPixels));
  box.add(label);
  const tile = new Gtk.FlowBoxChild({ width_request: tileWidth });
  tile.add(box);
  tile.set_tooltip_text(application.description === "" ? null : application.description);
  tile.get_style_context().add_class("broadway-tile");
  const accessible = tile.get_accessible();
  accessible?.set_name(application.name);
  return tile;
}
