// SPDX-License-Identifier: Apache-2.0
// The programs that the panel started, from their start to their end. Pure: every function takes
// a list and returns another one.

/**
 * How a program ended: with a code, or by a signal.
 *
 * @typedef {{ readonly code: number } | { readonly signal: number }} End
 */

/**
 * @typedef {object} Program
 * @property {number} pid
 * @property {string} application id of its desktop file
 * @property {string} name
 * @property {string} icon
 * @property {string | undefined} busName by which it can be activated
 * @property {string | undefined} windowsName by which its windows can be shown and closed
 * @property {0 | 1 | 2 | 3} closing how often it has been asked to close
 * @property {End | undefined} end of a program that died; such a program stays to be seen
 */

/** Names that the module for windows takes, one for each program. */
const windowsNames = /^org\.cleanroom\.Program\.p\d+$/;

const nameless = { busName: undefined, windowsName: undefined };

/**
 * @param {readonly Program[]} programs
 * @param {{ pid: number, application: string, name: string, icon: string }} started
 * @returns {Program[]}
 */
export function withStarted(programs, { pid, application, name, icon }) {
  // What is started again need not be mourned any longer.
  const others = programs.filter(
    (program) => program.end === undefined || program.application !== application,
  );
  return [
    ...others,
    {
      ...{ pid, application, name, icon, closing: 0, end: undefined },
      ...{ busName: undefined, windowsName: undefined },
    },
  ];
}

/**
 * A program that ended well, or that was asked to, goes; one that died stays to be seen.
 *
 * @param {readonly Program[]} programs
 * @param {number} pid
 * @param {End} end
 * @returns {Program[]}
 */
export function withEnded(programs, pid, end) {
  return programs.flatMap((program) => {
    if (program.pid !== pid || program.end !== undefined) return [program];
    return isDeath(program, end) ? [{ ...program, ...nameless, end }] : [];
  });
}

/**
 * @param {Program} program
 * @param {End} end
 */
function isDeath(program, end) {
  return program.closing === 0 && ("signal" in end || end.code !== 0);
}

/**
 * A name on the session bus that a process got. The first name of an application stays: it is its
 * own.
 *
 * @param {readonly Program[]} programs
 * @param {number} pid
 * @param {string} busName
 * @returns {Program[]}
 */
export function withBusName(programs, pid, busName) {
  return programs.map((program) => {
    if (program.pid !== pid || program.end !== undefined) return program;
    if (windowsNames.test(busName)) return { ...program, windowsName: busName };
    return { ...program, busName: program.busName ?? busName };
  });
}

/**
 * @param {readonly Program[]} programs
 * @param {string} name that has no owner any more
 * @returns {Program[]}
 */
export function withoutBusName(programs, name) {
  return programs.map((program) => ({
    ...program,
    busName: program.busName === name ? undefined : program.busName,
    windowsName: program.windowsName === name ? undefined : program.windowsName,
  }));
}

/**
 * How a program can be brought to the front.
 *
 * @param {Program} program
 * @returns {{ name: string, path: string, call: "org.cleanroom.Windows.Present" | "org.freedesktop.Application.Activate" } | undefined}
 *   a call on the session bus
 */
export function presenting({ windowsName, busName }) {
  if (windowsName !== undefined) {
    return { name: windowsName, path: windowsPath, call: "org.cleanroom.Windows.Present" };
  }
  if (busName === undefined) return undefined;
  return {
    name: busName,
    path: objectPathOf(busName),
    call: "org.freedesktop.Application.Activate",
  };
}

/**
 * What to do when the user wants a program closed: close its windows as the user would if that
 * can be asked for, end it the second time, kill it the third; a program that is dead already is only taken off.
 *
 * @param {readonly Program[]} programs
 * @param {number} pid
 * @returns {{ programs: Program[], action: "ask" | "terminate" | "kill" | "forget" | "nothing" }}
 */
export function closing(programs, pid) {
  const program = programs.find((candidate) => candidate.pid === pid);
  if (program === undefined) return { programs: [...programs], action: "nothing" };
  if (program.end !== undefined) {
    return { programs: programs.filter((other) => other !== program), action: "forget" };
  }
  const asked = program.closing;
  const step = asked === 0 && program.windowsName === undefined ? 1 : asked;
  const action = step === 0 ? "ask" : step === 1 ? "terminate" : "kill";
  const closingNow = /** @type {Program["closing"]} */ (Math.min(step + 1, 3));
  return {
    programs: programs.map((other) =>
      other === program ? { ...program, closing: closingNow } : other,
    ),
    action,
  };
}

/** Signals by number, as on Linux; only those that end programs in practice. */
const signalNames = new Map([
  [1, "hang-up"],
  [2, "interrupt"],
  [4, "illegal instruction"],
  [5, "trap"],
  [6, "abort"],
  [7, "bus error"],
  [8, "arithmetic error"],
  [9, "killed"],
  [11, "crash"],
  [13, "broken pipe"],
  [15, "terminated"],
  [24, "CPU time limit"],
  [25, "file size limit"],
  [31, "bad system call"],
]);

/**
 * @param {End} end
 * @returns {string} such as `killed, signal 9`, `exit code 3`
 */
export function describeEnd(end) {
  if ("code" in end) return `exit code ${end.code}`;
  const name = signalNames.get(end.signal);
  return name === undefined ? `signal ${end.signal}` : `${name}, signal ${end.signal}`;
}

/** Where the module for windows answers. */
export const windowsPath = "/org/cleanroom/Windows";

/**
 * The path at which GApplication puts an application of this name.
 *
 * @param {string} busName
 */
export function objectPathOf(busName) {
  return `/${busName.replaceAll(".", "/").replaceAll("-", "_")}`;
}
