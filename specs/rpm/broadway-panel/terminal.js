// SPDX-License-Identifier: Apache-2.0
// A terminal: shells in tabs, copy and paste.
//
//   broadway-terminal [--working-directory=FOLDER] [-- PROGRAM ARGUMENT...]

import Gdk from "gi://Gdk?version=3.0";
import Gio from "gi://Gio";
import GLib from "gi://GLib";
import GObject from "gi://GObject";
import Gtk from "gi://Gtk?version=3.0";
import Pango from "gi://Pango";
import Vte from "gi://Vte?version=2.91";
import { bringToFront } from "./broadway-window.js";
import { describeEnd } from "./programs.js";
import { endOfStatus, fontScale, palette, shellOf, tabTitle } from "./terminal-settings.js";

const control = Gdk.ModifierType.CONTROL_MASK;
const shift = Gdk.ModifierType.SHIFT_MASK;

const TerminalWindow = GObject.registerClass(
  class TerminalWindow extends Gtk.ApplicationWindow {
    #notebook;
    #header;

    /** @param {Gtk.Application} application */
    constructor(application) {
      super({ application, title: "Terminal", icon_name: "org.cleanroom.Terminal" });
      this.set_default_size(760, 460);

      this.#notebook = new Gtk.Notebook({ scrollable: true, show_border: false, show_tabs: false });
      this.#notebook.connect("page-added", () => this.#pagesChanged());
      this.#notebook.connect("page-removed", () => this.#pagesChanged());
      this.#notebook.connect("switch-page", (_notebook, page) => this.#setTitle(page));
      this.add(this.#notebook);

      this.#header = new Gtk.HeaderBar({ show_close_button: true, title: "Terminal" });
      const add = Gtk.Button.new_from_icon_name("tab-new-symbolic", Gtk.IconSize.BUTTON);
      add.set_tooltip_text("New tab (Ctrl+Shift+T)");
      add.connect("clicked", () => this.addTab());
      const copy = Gtk.Button.new_from_icon_name("edit-copy-symbolic", Gtk.IconSize.BUTTON);
      copy.set_tooltip_text("Copy (Ctrl+Shift+C)");
      copy.connect("clicked", () => this.#copy());
      const paste = Gtk.Button.new_from_icon_name("edit-paste-symbolic", Gtk.IconSize.BUTTON);
      paste.set_tooltip_text("Paste (Ctrl+Shift+V)");
      paste.connect("clicked", () => this.#paste());
      this.#header.pack_start(add);
      this.#header.pack_end(paste);
      this.#header.pack_end(copy);
      for (const button of [add, copy, paste]) button.set_can_focus(false);
      this.set_titlebar(this.#header);
      this.#header.show_all();
      this.#notebook.show();

      this.connect("key-press-event", (_window, event) => this.#keyPressed(event));
    }

    /**
     * @param {readonly string[]} [command] the user's shell when absent
     * @param {string} [folder]
     */
    addTab(command, folder = GLib.get_home_dir()) {
      const terminal = new Vte.Terminal({
        scrollback_lines: 10_000,
        cursor_blink_mode: Vte.CursorBlinkMode.OFF,
        allow_hyperlink: true,
        visible: true,
        hexpand: true,
        vexpand: true,
      });
      terminal.set_font(Pango.FontDescription.from_string("Monospace 11"));
      terminal.set_colors(
        rgba(palette.foreground),
        rgba(palette.background),
        palette.colors.map(rgba),
      );
      terminal.connect("child-exited", (_terminal, status) => this.#ended(terminal, status));
      terminal.connect("window-title-changed", () => this.#titleChanged(terminal));
      terminal.connect("button-press-event", (_terminal, event) => this.#menu(terminal, event));

      const argv = command ?? [shellOf(GLib.getenv("SHELL"), isProgram)];
      // There before the program: what is typed meanwhile waits for it, as in any terminal.
      const pty = terminal.pty_new_sync(Vte.PtyFlags.DEFAULT, null);
      terminal.set_pty(pty);
      pty.spawn_async(
        folder,
        [...argv],
        ["TERM=xterm-256color", "COLORTERM=truecolor"],
        GLib.SpawnFlags.SEARCH_PATH,
        null,
        -1,
        null,
        (_pty, result) => {
          try {
            const [, pid] = pty.spawn_finish(result);
            terminal.watch_child(pid);
          } catch (error) {
            terminal.feed(`${/** @type {Error} */ (error).message}\r\n`);
          }
        },
      );

      const box = new Gtk.Box({ visible: true });
      box.add(terminal);
      box.add(
        new Gtk.Scrollbar({
          orientation: Gtk.Orientation.VERTICAL,
          adjustment: terminal.get_vadjustment(),
          visible: true,
        }),
      );
      const page = this.#notebook.append_page(box, this.#tabLabel(terminal, box));
      this.#notebook.set_tab_reorderable(box, true);
      this.#notebook.set_current_page(page);
      terminal.grab_focus();
    }

    /** @returns {Vte.Terminal | undefined} */
    get #current() {
      const page = this.#notebook.get_nth_page(this.#notebook.get_current_page());
      return page === null ? undefined : terminalOf(page);
    }

    /**
     * @param {Vte.Terminal} terminal
     * @param {Gtk.Widget} page
     */
    #tabLabel(terminal, page) {
      const label = new Gtk.Label({
        label: "Shell",
        ellipsize: Pango.EllipsizeMode.MIDDLE,
        width_chars: 16,
      });
      terminal.connect("window-title-changed", () => {
        label.set_text(tabTitle(terminal.get_window_title()));
      });
      const close = Gtk.Button.new_from_icon_name("window-close-symbolic", Gtk.IconSize.MENU);
      close.set_relief(Gtk.ReliefStyle.NONE);
      close.set_can_focus(false);
      close.connect("clicked", () => page.destroy());
      const box = new Gtk.Box({ spacing: 4 });
      box.add(label);
      box.add(close);
      box.show_all();
      return box;
    }

    #pagesChanged() {
      const count = this.#notebook.get_n_pages();
      this.#notebook.set_show_tabs(count > 1);
      if (count === 0) this.destroy();
      else this.#current?.grab_focus();
    }

    /** @param {Gtk.Widget} page */
    #setTitle(page) {
      const terminal = terminalOf(page);
      this.#header.set_title(tabTitle(terminal?.get_window_title()));
    }

    /** @param {Vte.Terminal} terminal */
    #titleChanged(terminal) {
      if (terminal === this.#current) this.#header.set_title(tabTitle(terminal.get_window_title()));
    }

    /**
     * @param {Vte.Terminal} terminal
     * @param {number} status as from waitpid
     */
    #ended(terminal, status) {
      const end = endOfStatus(status);
      // What ended badly at once should be seen.
      if ("code" in end && end.code !== 127) terminal.get_parent()?.destroy();
      else terminal.feed(`\r\n[${describeEnd(end)}]\r\n`);
    }

    #copy() {
      const terminal = this.#current;
      if (terminal?.get_has_selection()) terminal.copy_clipboard_format(Vte.Format.TEXT);
      terminal?.grab_focus();
    }

    #paste() {
      this.#current?.paste_clipboard();
      this.#current?.grab_focus();
    }

    /**
     * @param {Vte.Terminal} terminal
     * @param {Gdk.Event} event
     */
    #menu(terminal, event) {
      const [, button] = event.get_button();
      if (button !== Gdk.BUTTON_SECONDARY) return Gdk.EVENT_PROPAGATE;
      const menu = new Gtk.Menu();
      const add = (
        /** @type {string} */ label,
        /** @type {() => void} */ act,
        sensitive = true,
      ) => {
        const item = new Gtk.MenuItem({ label, sensitive });
        item.connect("activate", act);
        menu.append(item);
      };
      add("Copy", () => this.#copy(), terminal.get_has_selection());
      add("Paste", () => this.#paste());
      add("Select All", () => terminal.select_all());
      menu.append(new Gtk.SeparatorMenuItem());
      add("New Tab", () => this.addTab());
      add("Close Tab", () => terminal.get_parent()?.destroy());
      menu.attach_to_widget(terminal, null);
      menu.show_all();
      menu.popup_at_pointer(event);
      return Gdk.EVENT_STOP;
    }

    /** @param {Gdk.Event} event */
    #keyPressed(event) {
      const [, key] = event.get_keyval();
      const [, state] = event.get_state();
      const held = state & (control | shift | Gdk.ModifierType.MOD1_MASK);
      const act = this.#shortcut(Gdk.keyval_to_lower(key), held);
      if (act === undefined) return Gdk.EVENT_PROPAGATE;
      act();
      return Gdk.EVENT_STOP;
    }

    /**
     * The browser keeps Ctrl+T, Ctrl+W and Ctrl+N for itself, so tabs have keys of their own too.
     *
     * @param {number} key
     * @param {number} held
     * @returns {(() => void) | undefined}
     */
    #shortcut(key, held) {
      const terminal = this.#current;
      if (terminal === undefined) return undefined;
      const scale = (/** @type {number} */ step) => () =>
        terminal.set_font_scale(fontScale(terminal.get_font_scale(), step));
      if (held === (control | shift)) {
        if (key === Gdk.KEY_c) return () => this.#copy();
        if (key === Gdk.KEY_v) return () => this.#paste();
        if (key === Gdk.KEY_t) return () => this.addTab();
        if (key === Gdk.KEY_w) return () => terminal.get_parent()?.destroy();
        if (key === Gdk.KEY_plus) return scale(1);
      }
      if (held === control) {
        if (key === Gdk.KEY_Insert) return () => this.#copy();
        if (key === Gdk.KEY_Page_Up) return () => this.#notebook.prev_page();
        if (key === Gdk.KEY_Page_Down) return () => this.#notebook.next_page();
        if (key === Gdk.KEY_plus || key === Gdk.KEY_equal) return scale(1);
        if (key === Gdk.KEY_minus) return scale(-1);
        if (key === Gdk.KEY_0) return scale(0);
      }
      if (held === shift && key === Gdk.KEY_Insert) return () => this.#paste();
      return undefined;
    }
  },
);

const Terminal = GObject.registerClass(
  class Terminal extends Gtk.Application {
    constructor() {
      super({
        application_id: "org.cleanroom.Terminal",
        flags: Gio.ApplicationFlags.HANDLES_COMMAND_LINE,
      });
      this.add_main_option(
        "working-directory",
        0,
        GLib.OptionFlags.NONE,
        GLib.OptionArg.STRING,
        "Where the shell starts",
        "FOLDER",
      );
      this.add_main_option(
        GLib.OPTION_REMAINING,
        0,
        GLib.OptionFlags.NONE,
        GLib.OptionArg.STRING_ARRAY,
        "Run a program instead of a shell",
        "PROGRAM",
      );
    }

    vfunc_startup() {
      super.vfunc_startup();
      const quit = new Gio.SimpleAction({ name: "quit" });
      quit.connect("activate", () => this.quit());
      this.add_action(quit);
      Gtk.Settings.get_default()?.set_property("gtk-application-prefer-dark-theme", true);
    }

    /** Comes from the panel: whatever is there is shown. */
    vfunc_activate() {
      const window = this.get_active_window();
      if (window === null) this.#open(undefined, undefined);
      else bringToFront(window);
    }

    /** @param {Gio.ApplicationCommandLine} line */
    vfunc_command_line(line) {
      const options = line.get_options_dict();
      const string = new GLib.VariantType("s");
      const folder = options.lookup_value("working-directory", string)?.get_string()[0];
      const rest = options.lookup_value(GLib.OPTION_REMAINING, new GLib.VariantType("as"));
      this.#open(rest?.deepUnpack(), folder);
      return 0;
    }

    /**
     * @param {string[] | undefined} command
     * @param {string | undefined} folder
     */
    #open(command, folder) {
      const window = new TerminalWindow(this);
      window.addTab(command, folder);
      window.present();
    }
  },
);

/**
 * @param {Gtk.Widget} page
 * @returns {Vte.Terminal | undefined}
 */
function terminalOf(page) {
  return /** @type {Gtk.Box} */ (page)
    .get_children()
    .find((/** @type {Gtk.Widget} */ child) => child instanceof Vte.Terminal);
}

/** @param {string} color */
function rgba(color) {
  const value = new Gdk.RGBA();
  value.parse(color);
  return value;
}

/** @param {string} path */
function isProgram(path) {
  return GLib.file_test(path, GLib.FileTest.IS_EXECUTABLE);
}

new Terminal().run([imports.system.programInvocationName, ...ARGV]);
