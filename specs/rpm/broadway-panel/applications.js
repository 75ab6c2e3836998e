// SPDX-License-Identifier: Apache-2.0
// What can be launched: order, search, and the command of a desktop file. Pure.

/**
 * @typedef {object} Application
 * @property {string} id of the desktop file, such as `org.xfce.mousepad.desktop`
 * @property {string} name
 * @property {string} description one line, or nothing
 * @property {readonly string[]} keywords
 * @property {string} exec the Exec line
 * @property {string} icon name or path
 * @property {string} file path of the desktop file
 * @property {boolean} terminal wants a terminal to run in
 */

/**
 * By name, in the order of the language.
 *
 * @param {readonly Application[]} applications
 * @returns {Application[]}
 */
export function sorted(applications) {
  return [...applications].sort(
    (a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : Number(a.id > b.id)),
  );
}

/**
 * How well an application answers to one word; 0 when it does not.
 *
 * @param {Application} application
 * @param {string} word in lower case
 * @returns {number}
 */
function wordScore(application, word) {
  const name = fold(application.name);
  if (name.startsWith(word)) return 5;
  if (name.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word))) return 4;
  if (name.includes(word)) return 3;
  const others = [application.id.replace(/\.desktop$/, ""), ...application.keywords].map(fold);
  if (others.some((other) => other.includes(word))) return 2;
  return fold(application.description).includes(word) ? 1 : 0;
}

/**
 * Without case and accents.
 *
 * @param {string} text
 */
function fold(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * The applications that answer to every word of the text, best first; all when there is no word.
 *
 * @param {readonly Application[]} applications
 * @param {string} text
 * @returns {Application[]}
 */
export function search(applications, text) {
  const words = fold(text)
    .split(/\s+/)
    .filter((word) => word !== "");
  return sorted(applications)
    .map((application) => ({
      application,
      scores: words.map((word) => wordScore(application, word)),
    }))
    .filter(({ scores }) => scores.every((score) => score > 0))
    .sort((a, b) => sum(b.scores) - sum(a.scores))
    .map(({ application }) => application);
}

/** @param {readonly number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/** What a field code of an Exec line stands for when no file is opened. */
const droppedCodes = new Set(["f", "F", "u", "U", "d", "D", "n", "N", "v", "m"]);

/**
 * The command of an application, by the Desktop Entry Specification's rules for Exec: quoting
 * first, field codes then. Files take the place of the code for files, or are left out when the
 * command has none.
 *
 * @param {Pick<Application, "exec" | "name" | "icon" | "file">} application
 * @param {readonly string[]} [files] paths or URIs to open
 * @returns {string[]} program and arguments; empty when the line makes no sense
 */
export function commandOf(application, files = []) {
  const words = splitExec(application.exec);
  return words.flatMap((word) => expandWord(word, application, files));
}

/**
 * @param {string} word
 * @param {Pick<Application, "exec" | "name" | "icon" | "file">} application
 * @param {readonly string[]} files
 * @returns {string[]}
 */
function expandWord(word, application, files) {
  if (/^%[FU]$/.test(word)) return [...files];
  if (/^%[fu]$/.test(word)) return files.slice(0, 1);
  if (word === "%i") return application.icon === "" ? [] : ["--icon", application.icon];
  if (/^%[a-zA-Z]$/.test(word) && droppedCodes.has(word.slice(1))) return [];
  return [
    word.replace(/%(.)/g, (_, code) => {
      if (code === "%") return "%";
      if (code === "c") return application.name;
      if (code === "k") return application.file;
      if (code === "f" || code === "u") return files[0] ?? "";
      return "";
    }),
  ];
}

/**
 * Words of an Exec line. In double quotes a backslash protects a quote, a backtick, a dollar sign
 * and a backslash; elsewhere it protects anything.
 *
 * @param {string} line
 * @returns {string[]} none when a quote is left open
 */
export function splitExec(line) {
  /** @type {string[]} */
  const words = [];
  let word = "";
  let inWord = false;
  let quoted = false;
  for (let i = 0; i < line.length; i += 1) {
    const char = line.charAt(i);
    const next = line.charAt(i + 1);
    if (char === "\\" && (quoted ? /["`$\\]/.test(next) : next !== "")) {
      word += next;
      inWord = true;
      i += 1;
    } else if (char === '"') {
      quoted = !quoted;
      inWord = true;
    } else if (!quoted && /\s/.test(char)) {
      if (inWord) words.push(word);
      word = "";
      inWord = false;
    } else {
      word += char;
      inWord = true;
    }
  }
  if (quoted) return [];
  if (inWord) words.push(word);
  return words;
}
