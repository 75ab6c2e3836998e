// SPDX-License-Identifier: Apache-2.0
// Starts programs, learns of their end and of their names on the session bus.

import Gio from "gi://Gio";
import GLib from "gi://GLib";
import { commandOf } from "./applications.js";
import * as Programs from "./programs.js";

/** @typedef {import("./applications.js").Application} Application */
/** @typedef {import("./programs.js").Program} Program */

/** Well-known names of the bus itself and of services are no programs. */
const busInterface = "org.freedesktop.DBus";
const busPath = "/org/freedesktop/DBus";

/** What wraps a program that wants a terminal. */
const terminal = ["broadway-terminal", "--"];

const signals = { terminate: 15, kill: 9 };

export class ProgramRunner {
  /** @type {Program[]} */
  #programs = [];
  /** @type {Map<number, Gio.Subprocess>} */
  #processes = new Map();
  /** @type {Map<string, number>} process behind every name that was seen on the bus */
  #owners = new Map();
  #started = 0;
  #bus;
  #onChange;

  /**
   * @param {Gio.DBusConnection} bus
   * @param {() => void} onChange
   */
  constructor(bus, onChange) {
    this.#bus = bus;
    this.#onChange = onChange;
    bus.signal_subscribe(
      busInterface,
      busInterface,
      "NameOwnerChanged",
      busPath,
      null,
      Gio.DBusSignalFlags.NONE,
      (_connection, _sender, _path, _interface, _signal, parameters) => {
        const [name, , owner] = /** @type {[string, string, string]} */ (parameters.deepUnpack());
        if (name.startsWith(":")) return;
        if (owner === "") this.#nameLost(name);
        else void this.#nameOwned(name);
      },
    );
  }

  /** @returns {readonly Program[]} */
  get programs() {
    return this.#programs;
  }

  /**
   * Starts an application; its death will be noticed.
   *
   * @param {Application} application
   * @param {readonly string[]} [files]
   * @returns {number} its process id
   * @throws {GLib.Error} when it cannot be run
   */
  start(application, files = []) {
    const command = commandOf(application, files);
    if (command.length === 0) throw new Error(`nothing to run in ${application.file}`);
    const launcher = new Gio.SubprocessLauncher({ flags: Gio.SubprocessFlags.NONE });
    launcher.set_cwd(GLib.get_home_dir());
    // Each program's windows begin one step further.
    launcher.setenv("BROADWAY_PLACE", String(this.#started++), true);
    const process = launcher.spawnv(application.terminal ? [...terminal, ...command] : command);
    const pid = Number(process.get_identifier());
    this.#processes.set(pid, process);
    const { id, name, icon } = application;
    this.#update(Programs.withStarted(this.#programs, { pid, application: id, name, icon }));
    for (const [busName, owner] of this.#owners) {
      if (owner === pid) this.#update(Programs.withBusName(this.#programs, pid, busName));
    }
    process.wait_async(null, (_process, result) => {
      process.wait_finish(result);
      this.#ended(pid, process);
    });
    print(`panel: started ${application.id}, process ${pid}`);
    return pid;
  }

  /**
   * Brings the windows of a program to the front, if it can be asked to.
   *
   * @param {Program} program
   */
  present(program) {
    const way = Programs.presenting(program);
    if (way === undefined) return;
    const activates = way.call.endsWith(".Activate");
    this.#call(way.name, way.path, way.call, activates ? new GLib.Variant("(a{sv})", [{}]) : null);
  }

  /**
   * Closes a program: politely, then firmly.
   *
   * @param {number} pid
   */
  close(pid) {
    const name = this.#programs.find((program) => program.pid === pid)?.windowsName;
    const { programs, action } = Programs.closing(this.#programs, pid);
    this.#update(programs);
    if (action === "ask" && name !== undefined) {
      this.#call(name, Programs.windowsPath, "org.cleanroom.Windows.Close", null);
    } else if (action === "terminate" || action === "kill") {
      this.#processes.get(pid)?.send_signal(signals[action]);
    }
  }

  /** Ends everything that runs. */
  terminateAll() {
    for (const process of this.#processes.values()) process.send_signal(signals.terminate);
  }

  /**
   * @param {string} name
   * @param {string} path
   * @param {string} call interface and method
   * @param {GLib.Variant | null} parameters
   */
  #call(name, path, call, parameters) {
    const dot = call.lastIndexOf(".");
    this.#bus.call(
      name,
      path,
      call.slice(0, dot),
      call.slice(dot + 1),
      parameters,
      null,
      Gio.DBusCallFlags.NO_AUTO_START,
      -1,
      null,
      ignoreAnswer,
    );
  }

  /**
   * @param {number} pid
   * @param {Gio.Subprocess} process
   */
  #ended(pid, process) {
    this.#processes.delete(pid);
    const end = process.get_if_signaled()
      ? { signal: process.get_term_sig() }
      : { code: process.get_exit_status() };
    print(`panel: process ${pid} ended, ${Programs.describeEnd(end)}`);
    this.#update(Programs.withEnded(this.#programs, pid, end));
  }

  /** @param {string} name */
  async #nameOwned(name) {
    const answer = await new Promise((resolve, reject) => {
      this.#bus.call(
        busInterface,
        busPath,
        busInterface,
        "GetConnectionUnixProcessID",
        new GLib.Variant("(s)", [name]),
        new GLib.VariantType("(u)"),
        Gio.DBusCallFlags.NONE,
        -1,
        null,
        (bus, result) => {
          try {
            resolve(/** @type {Gio.DBusConnection} */ (bus).call_finish(result));
          } catch (error) {
            // The name may be gone again.
            if (error instanceof Gio.DBusError) resolve(undefined);
            else reject(error);
          }
        },
      );
    });
    if (answer === undefined) return;
    const [pid] = answer.deepUnpack();
    this.#owners.set(name, pid);
    this.#update(Programs.withBusName(this.#programs, pid, name));
  }

  /** @param {string} name */
  #nameLost(name) {
    this.#owners.delete(name);
    this.#update(Programs.withoutBusName(this.#programs, name));
  }

  /** @param {Program[]} programs */
  #update(programs) {
    this.#programs = programs;
    this.#onChange();
  }
}

/**
 * @param {Gio.DBusConnection | null} bus
 * @param {Gio.AsyncResult} result
 */
function ignoreAnswer(bus, result) {
  try {
    bus?.call_finish(result);
  } catch (error) {
    print(`panel: ${error instanceof Error ? error.message : String(error)}`);
  }
}
