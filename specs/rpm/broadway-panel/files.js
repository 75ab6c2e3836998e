// SPDX-License-Identifier: Apache-2.0
// A file browser: folders by a double click, files in the program for their type, or the editor.
//
//   broadway-files [FOLDER]

import Gdk from "gi://Gdk?version=3.0";
import Gio from "gi://Gio";
import GLib from "gi://GLib";
import GObject from "gi://GObject";
import Gtk from "gi://Gtk?version=3.0";
import Pango from "gi://Pango";
import { bringToFront } from "./broadway-window.js";
import { arranged, crumbs, formatSize, nameFault, summary } from "./file-list.js";

/** @typedef {import("./file-list.js").Entry} Entry */

const attributes = [
  "standard::name",
  "standard::display-name",
  "standard::type",
  "standard::is-hidden",
  "standard::size",
  "standard::content-type",
  "standard::icon",
  "time::modified",
].join(",");

const column = { icon: 0, name: 1, size: 2, modified: 3, index: 4 };

/** Opens what has no program of its own. */
const editorType = "text/plain";

const FilesWindow = GObject.registerClass(
  class FilesWindow extends Gtk.ApplicationWindow {
    #header;
    #path;
    #store;
    #view;
    #status;
    /** @type {(Entry & { icon: Gio.Icon | null })[]} */
    #entries = [];
    #withHidden = false;
    /** @type {Gio.File} */
    #folder;
    /** @type {Gio.FileMonitor | undefined} */
    #monitor;
    #reading = 0;

    /**
     * @param {Gtk.Application} application
     * @param {Gio.File} folder
     */
    constructor(application, folder) {
      super({ application, title: "Files", icon_name: "org.cleanroom.Files" });
      this.#folder = folder;
      this.set_default_size(720, 480);
      this.#header = new Gtk.HeaderBar({ show_close_button: true, title: "Files" });
      this.#addButton("go-up-symbolic", "Up (Alt+Up)", () => this.#goUp());
      this.#addButton("go-home-symbolic", "Home", () => this.show_folder(homeFolder()));
      this.#addButton("document-new-symbolic", "New file", () => this.#ask("New file"));
      this.#addButton("folder-new-symbolic", "New folder", () => this.#ask("New folder"));
      const hidden = new Gtk.ToggleButton({ tooltip_text: "Show hidden files" });
      hidden.set_image(Gtk.Image.new_from_icon_name("view-reveal-symbolic", Gtk.IconSize.BUTTON));
      hidden.connect("toggled", () => {
        this.#withHidden = hidden.get_active();
        this.#show();
      });
      this.#header.pack_end(hidden);
      this.set_titlebar(this.#header);

      this.#path = new Gtk.Box({ margin: 6 });
      this.#path.get_style_context().add_class("linked");

      this.#store = new Gtk.ListStore();
      this.#store.set_column_types([
        Gio.Icon.$gtype,
        GObject.TYPE_STRING,
        GObject.TYPE_STRING,
        GObject.TYPE_STRING,
        GObject.TYPE_INT,
      ]);
      this.#view = new Gtk.TreeView({ model: this.#store, search_column: column.name });
      this.#addColumns();
      this.#view.connect("row-activated", (_view, path) => this.#openRow(path));
      const scrolled = new Gtk.ScrolledWindow({ vexpand: true });
      scrolled.add(this.#view);

      this.#status = new Gtk.Label({ xalign: 0, margin: 6, ellipsize: Pango.EllipsizeMode.END });
      const box = new Gtk.Box({ orientation: Gtk.Orientation.VERTICAL });
      box.add(this.#path);
      box.add(scrolled);
      box.add(this.#status);
      this.add(box);
      this.#header.show_all();
      box.show_all();
      this.connect("key-press-event", (_window, event) => this.#keyPressed(event));
      this.connect("destroy", () => this.#monitor?.cancel());
      this.show_folder(folder);
    }

    /** @param {Gio.File} folder */
    show_folder(folder) {
      this.#folder = folder;
      this.#monitor?.cancel();
      this.#monitor = watch(folder, () => this.#readSoon());
      this.#showPath();
      this.#read();
      this.#view.grab_focus();
    }

    /**
     * @param {string} icon
     * @param {string} tip
     * @param {() => void} act
     */
    #addButton(icon, tip, act) {
      const button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON);
      button.set_tooltip_text(tip);
      button.connect("clicked", act);
      this.#header.pack_start(button);
    }

    #addColumns() {
      const name = new Gtk.TreeViewColumn({ title: "Name", expand: true });
      const icon = new Gtk.CellRendererPixbuf({ stock_size: Gtk.IconSize.LARGE_TOOLBAR, xpad: 4 });
      name.pack_start(icon, false);
      name.add_attribute(icon, "gicon", column.icon);
      const text = new Gtk.CellRendererText({ ellipsize: Pango.EllipsizeMode.MIDDLE });
      name.pack_start(text, true);
      name.add_attribute(text, "text", column.name);
      this.#view.append_column(name);
      const rest = /** @type {const} */ ([
        ["Size", column.size, 1],
        ["Modified", column.modified, 0],
      ]);
      for (const [title, index, xalign] of rest) {
        const cell = new Gtk.CellRendererText({ xalign, xpad: 8 });
        const other = new Gtk.TreeViewColumn({ title, alignment: xalign });
        other.pack_start(cell, true);
        other.add_attribute(cell, "text", index);
        other.set_min_width(index === column.size ? 90 : 170);
        this.#view.append_column(other);
      }
    }

    #showPath() {
      for (const child of this.#path.get_children()) child.destroy();
      const path = this.#folder.get_path() ?? "/";
      for (const { name, path: target } of crumbs(path, GLib.get_home_dir())) {
        const button = new Gtk.Button({ label: name });
        button.connect("clicked", () => this.show_folder(Gio.File.new_for_path(target)));
        this.#path.add(button);
      }
      this.#path.show_all();
      this.#header.set_title(crumbs(path, GLib.get_home_dir()).at(-1)?.name ?? "Files");
    }

    /** Several changes in a row are read once. */
    #readSoon() {
      if (this.#reading !== 0) return;
      this.#reading = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 200, () => {
        this.#reading = 0;
        this.#read();
        return GLib.SOURCE_REMOVE;
      });
    }

    #read() {
      try {
        this.#entries = entriesOf(this.#folder);
        this.#show();
      } catch (error) {
        this.#entries = [];
        this.#show();
        this.#status.set_text(messageOf(error));
      }
    }

    #show() {
      const shown = arranged(this.#entries, this.#withHidden);
      this.#store.clear();
      for (const entry of shown) {
        this.#store.set(
          this.#store.append(),
          [column.icon, column.name, column.size, column.modified, column.index],
          [
            entry.icon,
            entry.name,
            entry.folder ? "" : formatSize(entry.sizeBytes),
            GLib.DateTime.new_from_unix_local(entry.modifiedSeconds)?.format("%e %b %Y  %H:%M") ??
              "",
            this.#entries.indexOf(entry),
          ],
        );
      }
      this.#status.set_text(summary(shown));
    }

    /** @param {Gtk.TreePath} path */
    #openRow(path) {
      const [found, row] = this.#store.get_iter(path);
      const entry = found ? this.#entries[this.#store.get_value(row, column.index)] : undefined;
      if (entry === undefined) return;
      const file = this.#folder.get_child(entry.name);
      if (entry.folder) this.show_folder(file);
      else this.#openFile(file, entry.type);
    }

    /**
     * @param {Gio.File} file
     * @param {string} type
     */
    #openFile(file, type) {
      const program =
        Gio.AppInfo.get_default_for_type(type, false) ??
        Gio.AppInfo.get_default_for_type(editorType, false) ??
        Gio.AppInfo.get_all_for_type(editorType)[0];
      if (program === undefined || program === null) {
        this.#status.set_text(`No program opens ${type}`);
        return;
      }
      this.#status.set_text(`${file.get_basename()} opens in ${program.get_display_name()}`);
      // Through the panel, which then knows of it; without a panel, by ourselves.
      Gio.DBus.session.call(
        "org.cleanroom.Panel",
        "/org/cleanroom/Panel",
        "org.cleanroom.Panel",
        "Launch",
        new GLib.Variant("(sas)", [program.get_id() ?? "", [file.get_uri()]]),
        null,
        Gio.DBusCallFlags.NO_AUTO_START,
        -1,
        null,
        (bus, result) => {
          try {
            bus?.call_finish(result);
          } catch {
            this.#launch(program, file);
          }
        },
      );
    }

    /**
     * @param {Gio.AppInfo} program
     * @param {Gio.File} file
     */
    #launch(program, file) {
      try {
        program.launch([file], this.get_display().get_app_launch_context());
      } catch (error) {
        this.#status.set_text(messageOf(error));
      }
    }

    #goUp() {
      const parent = this.#folder.get_parent();
      if (parent !== null) this.show_folder(parent);
    }

    /** @param {"New file" | "New folder"} title */
    #ask(title) {
      const dialog = new Gtk.Dialog({ title, transient_for: this, modal: true, use_header_bar: 1 });
      dialog.add_button("Cancel", Gtk.ResponseType.CANCEL);
      const make = dialog.add_button("Create", Gtk.ResponseType.OK);
      make.get_style_context().add_class("suggested-action");
      dialog.set_default_response(Gtk.ResponseType.OK);
      const entry = new Gtk.Entry({ activates_default: true, margin: 18, width_chars: 32 });
      const check = () => {
        const fault = nameFault(entry.get_text());
        make.set_sensitive(fault === undefined);
        entry.set_tooltip_text(fault ?? null);
      };
      entry.connect("changed", check);
      check();
      dialog.get_content_area().add(entry);
      dialog.connect("response", (_dialog, response) => {
        const name = entry.get_text();
        dialog.destroy();
        if (response === Gtk.ResponseType.OK) this.#make(name, title === "New folder");
      });
      dialog.show_all();
    }

    /**
     * @param {string} name
     * @param {boolean} folder
     */
    #make(name, folder) {
      const file = this.#folder.get_child(name);
      try {
        if (folder) file.make_directory(null);
        else file.create(Gio.FileCreateFlags.NONE, null).close(null);
        this.#read();
      } catch (error) {
        this.#status.set_text(messageOf(error));
      }
    }

    /** @param {Gdk.Event} event */
    #keyPressed(event) {
      const [, key] = event.get_keyval();
      const [, state] = event.get_state();
      const alt = (state & Gdk.ModifierType.MOD1_MASK) !== 0;
      if (key === Gdk.KEY_BackSpace || (alt && key === Gdk.KEY_Up)) {
        this.#goUp();
        return Gdk.EVENT_STOP;
      }
      if (key === Gdk.KEY_F5) {
        this.#read();
        return Gdk.EVENT_STOP;
      }
      return Gdk.EVENT_PROPAGATE;
    }
  },
);

const Files = GObject.registerClass(
  class Files extends Gtk.Application {
    constructor() {
      super({
        application_id: "org.cleanroom.Files",
        flags: Gio.ApplicationFlags.HANDLES_COMMAND_LINE,
      });
    }

    vfunc_startup() {
      super.vfunc_startup();
      const quit = new Gio.SimpleAction({ name: "quit" });
      quit.connect("activate", () => this.quit());
      this.add_action(quit);
    }

    /** Comes from the panel: whatever is there is shown. */
    vfunc_activate() {
      const window = this.get_active_window();
      if (window === null) this.#open(homeFolder());
      else bringToFront(window);
    }

    /** @param {Gio.ApplicationCommandLine} line */
    vfunc_command_line(line) {
      const [folder] = line.get_arguments().slice(1);
      this.#open(folder === undefined ? homeFolder() : line.create_file_for_arg(folder));
      return 0;
    }

    /** @param {Gio.File} folder */
    #open(folder) {
      new FilesWindow(this, folder).present();
    }
  },
);

function homeFolder() {
  return Gio.File.new_for_path(GLib.get_home_dir());
}

/**
 * @param {Gio.File} folder
 * @returns {(Entry & { icon: Gio.Icon | null })[]}
 */
function entriesOf(folder) {
  const infos = folder.enumerate_children(attributes, Gio.FileQueryInfoFlags.NONE, null);
  const entries = [];
  for (let info = infos.next_file(null); info !== null; info = infos.next_file(null)) {
    entries.push({
      name: info.get_name(),
      folder: info.get_file_type() === Gio.FileType.DIRECTORY,
      hidden: info.get_is_hidden(),
      sizeBytes: info.get_size(),
      modifiedSeconds: info.get_modification_date_time()?.to_unix() ?? 0,
      type: info.get_content_type() ?? "application/octet-stream",
      icon: info.get_icon(),
    });
  }
  infos.close(null);
  return entries;
}

/**
 * @param {Gio.File} folder
 * @param {() => void} onChange
 * @returns {Gio.FileMonitor | undefined} none where the kernel cannot watch
 */
function watch(folder, onChange) {
  try {
    const monitor = folder.monitor_directory(Gio.FileMonitorFlags.NONE, null);
    monitor.connect("changed", onChange);
    return monitor;
  } catch {
    return undefined;
  }
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

new Files().run([imports.system.programInvocationName, ...ARGV]);
