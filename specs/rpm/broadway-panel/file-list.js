// SPDX-License-Identifier: Apache-2.0
// Files of a folder: order, sizes, and what the file browser says of them. Pure.

/**
 * @typedef {object} Entry
 * @property {string} name
 * @property {boolean} folder
 * @property {boolean} hidden
 * @property {number} sizeBytes
 * @property {number} modifiedSeconds since 1970
 * @property {string} type such as `text/plain`
 */

/**
 * Folders first, then by name: digits by their value, hidden ones only if wanted.
 *
 * @template {Pick<Entry, "name" | "folder" | "hidden">} T
 * @param {readonly T[]} entries
 * @param {boolean} withHidden
 * @returns {T[]}
 */
export function arranged(entries, withHidden) {
  const collator = new Intl.Collator(undefined, { numeric: true });
  return entries
    .filter((entry) => withHidden || !entry.hidden)
    .sort((a, b) => Number(b.folder) - Number(a.folder) || collator.compare(a.name, b.name));
}

/**
 * @param {number} bytes
 * @returns {string} such as `999 B`, `1.2 kB`
 */
export function formatSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/**
 * @param {readonly Pick<Entry, "folder" | "sizeBytes">[]} entries
 * @returns {string} such as `2 folders, 1 file, 12 kB`
 */
export function summary(entries) {
  const folders = entries.filter(({ folder }) => folder).length;
  const files = entries.length - folders;
  const parts = [
    ...(folders > 0 ? [count(folders, "folder")] : []),
    ...(files > 0 ? [count(files, "file")] : []),
  ];
  if (parts.length === 0) return "nothing here";
  const bytes = entries.reduce((sum, { folder, sizeBytes }) => sum + (folder ? 0 : sizeBytes), 0);
  return files > 0 ? `${parts.join(", ")}, ${formatSize(bytes)}` : parts.join(", ");
}

/**
 * @param {number} number
 * @param {string} noun
 */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * The folders from the top to this one.
 *
 * @param {string} path absolute
 * @param {string} home
 * @returns {{ name: string, path: string }[]} the first is `Home` within it, and `/` elsewhere
 */
export function crumbs(path, home) {
  const inHome = home !== "/" && (path === home || path.startsWith(`${home}/`));
  const start = inHome ? { name: "Home", path: home } : { name: "/", path: "/" };
  const names = path
    .slice(inHome ? home.length : 1)
    .split("/")
    .filter((name) => name !== "");
  const result = [start];
  let at = inHome ? home : "";
  for (const name of names) {
    at += `/${name}`;
    result.push({ name, path: at });
  }
  return result;
}

/**
 * A name that a new file or folder can have.
 *
 * @param {string} name
 * @returns {string | undefined} what is wrong with it
 */
export function nameFault(name) {
  if (name === "") return "A name is needed";
  if (name === "." || name === "..") return "This name is taken by the system";
  if (name.includes("/") || name.includes("\0")) return "A name cannot hold a slash";
  if (new TextEncoder().encode(name).length > 255) return "This name is too long";
  return undefined;
}
