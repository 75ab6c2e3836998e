// SPDX-License-Identifier: Apache-2.0
// The panel: launcher, programs, clock. One process, one application on the session bus, which
// also says what the panel shows (org.cleanroom.Panel.Describe).

import Gdk from "gi://Gdk?version=3.0";
import Gio from "gi://Gio";
import GLib from "gi://GLib";
import GObject from "gi://GObject";
import Gtk from "gi://Gtk?version=3.0";
import { bringToFront } from "./broadway-window.js";
import { installedApplications, watchApplications } from "./installed-applications.js";
import { Launcher } from "./launcher.js";
import { layout } from "./layout.js";
import { PanelBar } from "./panel-bar.js";
import { ProgramRunner } from "./program-runner.js";

/** @typedef {import("./applications.js").Application} Application */
/** @typedef {import("./programs.js").Program} Program */

const folder = GLib.path_get_dirname(GLib.filename_from_uri(import.meta.url)[0]);

const panelInterface = `<node>
  <interface name="org.cleanroom.Panel">
    <!-- What the panel shows, as JSON: texts, states, and where each thing is on the screen. -->
    <method name="Describe"><arg type="s" direction="out" name="json"/></method>
    <!-- Starts an application by the id of its desktop file, with files (URIs) to open. -->
    <method name="Launch">
      <arg type="s" direction="in" name="application"/>
      <arg type="as" direction="in" name="files"/>
    </method>
  </interface>
</node>`;

const Panel = GObject.registerClass(
  class Panel extends Gtk.Application {
    /** @type {readonly Application[]} */
    #applications = [];
    /** @type {InstanceType<typeof PanelBar> | undefined} */
    #bar;
    /** @type {InstanceType<typeof Launcher> | undefined} */
    #launcher;
    /** @type {ProgramRunner | undefined} */
    #runner;
    #exported;

    constructor() {
      super({ application_id: "org.cleanroom.Panel", flags: Gio.ApplicationFlags.FLAGS_NONE });
    }

    vfunc_startup() {
      super.vfunc_startup();
      loadStyle();
      const bus = this.get_dbus_connection();
      if (bus === null) throw new Error("there is no session bus");
      this.#runner = new ProgramRunner(bus, () => this.#programsChanged());
      this.#launcher = new Launcher(this, (application) => this.#launch(application));
      this.#bar = new PanelBar(this, {
        toggleLauncher: () => this.#toggleLauncher(),
        choose: (program) => this.#choose(program),
        close: (program) => this.#runner?.close(program.pid),
      });
      watchApplications(() => this.#readApplications());
      this.#readApplications();
      this.#exported = Gio.DBusExportedObject.wrapJSObject(panelInterface, {
        Describe: () => JSON.stringify(this.#describe()),
        Launch: (/** @type {string} */ id, /** @type {string[]} */ files) =>
          this.#launchById(id, files),
      });
      this.#exported.export(bus, "/org/cleanroom/Panel");
      const screen = Gdk.Screen.get_default();
      screen?.connect("size-changed", () => this.#screenChanged());
      for (const signal of [15, 2]) {
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal, () => {
          this.#runner?.terminateAll();
          this.quit();
          return GLib.SOURCE_REMOVE;
        });
      }
    }

    vfunc_activate() {
      this.#arrange();
      this.#launcher?.show();
      this.#bar?.show();
      this.#launcher?.reset();
    }

    #readApplications() {
      this.#applications = installedApplications();
      this.#launcher?.setApplications(this.#applications);
    }

    /** Follows the size of the browser's window. */
    #arrange() {
      const screen = Gdk.Screen.get_default();
      if (screen === null || this.#bar === undefined || this.#launcher === undefined) return;
      const size = { width: screen.get_width(), height: screen.get_height() };
      const { panel, launcher } = layout(size);
      place(this.#bar, panel);
      this.#bar.setPrograms(this.#runner?.programs ?? [], panel.width);
      place(this.#launcher, launcher);
      this.#launcher.setWidth(launcher.width);
    }

    /** A browser has come, or its window has another size. */
    #screenChanged() {
      this.#arrange();
      // Whoever sees the launcher can type at once.
      if (this.#launcher?.get_visible()) bringToFront(this.#launcher, { x: 0, y: 0 });
    }

    #toggleLauncher() {
      if (this.#launcher === undefined) return;
      if (this.#launcher.get_visible()) {
        this.#launcher.conceal();
        return;
      }
      this.#showLauncher();
    }

    #showLauncher() {
      if (this.#launcher === undefined) return;
      this.#launcher.show();
      this.#arrange();
      this.#launcher.reset();
      bringToFront(this.#launcher, { x: 0, y: 0 });
    }

    /**
     * @param {string} id
     * @param {readonly string[]} [files]
     */
    #launchById(id, files = []) {
      const application = this.#applications.find((candidate) => candidate.id === id);
      if (application === undefined) throw new Error(`there is no application ${id}`);
      this.#launch(application, files);
    }

    /**
     * @param {Application} application
     * @param {readonly string[]} [files]
     */
    #launch(application, files = []) {
      try {
        this.#runner?.start(application, files);
        this.#launcher?.conceal();
      } catch (error) {
        logError(error, application.id);
        this.#notice(`${application.name} could not be started`);
      }
    }

    /** @param {Program} program */
    #choose(program) {
      if (program.end !== undefined) this.#launchById(program.application);
      else {
        this.#launcher?.conceal();
        this.#runner?.present(program);
      }
    }

    #programsChanged() {
      const programs = this.#runner?.programs ?? [];
      const width = Gdk.Screen.get_default()?.get_width() ?? 0;
      this.#bar?.setPrograms(programs, width);
      // Nobody should sit before an empty screen.
      if (programs.every(({ end }) => end !== undefined) && this.#launcher?.get_visible() === false)
        this.#showLauncher();
    }

    /** @param {string} text */
    #notice(text) {
      const dialog = new Gtk.MessageDialog({
        transient_for: this.#bar,
        message_type: Gtk.MessageType.ERROR,
        buttons: Gtk.ButtonsType.CLOSE,
        text,
      });
      dialog.connect("response", () => dialog.destroy());
      dialog.show();
    }

    #describe() {
      const screen = Gdk.Screen.get_default();
      const launcher = this.#launcher;
      const bar = this.#bar;
      return {
        screen: { width: screen?.get_width(), height: screen?.get_height() },
        panel: bar && placeOf(bar),
        clock: bar?.clockText,
        launcherButton: bar && placeOf(bar.launcherButton),
        launcherOpen: launcher?.get_visible(),
        applications: launcher?.shown().map(({ id, name, widget }) => ({
          id,
          name,
          place: placeOf(widget),
        })),
        programs: this.#runner?.programs.map((program) => {
          const item = bar?.itemOf(program.pid);
          return {
            ...program,
            place: item && placeOf(item.item),
            closePlace: item && placeOf(item.close),
          };
        }),
      };
    }
  },
);

/**
 * @param {Gtk.Window} window
 * @param {import("./layout.js").Rectangle} rectangle
 */
function place(window, { x, y, width, height }) {
  window.set_default_size(width, height);
  window.resize(width, height);
  window.move(x, y);
}

/**
 * @param {Gtk.Widget} widget
 * @returns {import("./layout.js").Rectangle | undefined} on the screen
 */
function placeOf(widget) {
  const top = widget.get_toplevel();
  const surface = top.get_window();
  if (surface === null || !widget.get_mapped()) return undefined;
  const [, left, upper] = surface.get_origin();
  const [found, x, y] = widget.translate_coordinates(top, 0, 0);
  if (!found) return undefined;
  return {
    x: left + x,
    y: upper + y,
    width: widget.get_allocated_width(),
    height: widget.get_allocated_height(),
  };
}

function loadStyle() {
  const provider = new Gtk.CssProvider();
  provider.load_from_path(GLib.build_filenamev([folder, "panel.css"]));
  const screen = Gdk.Screen.get_default();
  if (screen === null) return;
  Gtk.StyleContext.add_provider_for_screen(
    screen,
    provider,
    Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION,
  );
}

const panel = new Panel();
panel.run([]);
