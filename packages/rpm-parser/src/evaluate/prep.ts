import type { Builtin } from "../macro/builtin-kind.ts";
import { parseHeaderOptions } from "./header-options.ts";
import { findSource } from "./sources.ts";
import type { SpecState } from "./spec-state.ts";

/**
 * Reads `%prep` as rpm before 4.20 does, and writes `%setup` and `%patch` out as the shell commands
 * they stand for (rpm's `build/parsePrep.c`). They are looked at once the whole section has been
 * read: so `%buildsubdir` is not known before the section after it.
 */
export function readPrep(state: SpecState): string | undefined {
  if (state.buildScripts.has("prep")) state.report("error", "section-twice", "second %prep");
  const lines: string[] = [];
  const header = state.readSection({ writesItself: true }, (line) => lines.push(line));
  const script = lines
    .map((line) => {
      if (line.startsWith("%setup")) return setup(state, line);
      return line.startsWith("%patch") ? patch(state, line) : line;
    })
    .join("");
  state.buildScripts.set("prep", script);
  // The header that ended the section is not in the expanded text: rpm leaves it out.
  state.lines.expanded.push(script);
  return header;
}

/** A macro that gets its whole call as a line. */
function lineMacro(run: (line: string) => string): Builtin {
  return {
    arguments: "any",
    isRaw: false,
    run: (_expander, name, words) => ({ output: run([`%${name}`, ...words].join(" ")) }),
  };
}

/**
 * Makes `%setup` and `%patch` macros, as rpm 4.20 has them while it reads `%prep`.
 *
 * @returns takes them away again.
 */
export function definePrepMacros(state: SpecState): () => void {
  const { auxiliary } = state.expander;
  auxiliary.set(
    "setup",
    lineMacro((line) => setup(state, line)),
  );
  auxiliary.set(
    "patch",
    lineMacro((line) => patch(state, line)),
  );
  return () => auxiliary.clear();
}

function setup(state: SpecState, line: string): string {
  const isOld = state.expander.host.dialect === "4.18";
  const { options, error } = parseHeaderOptions(line, "abn", isOld ? "cDTq" : "cDTqC");
  if (error !== undefined) {
    state.report(isOld ? "warning" : "error", "prep-setup", `Bad %setup: ${error}: ${line.trim()}`);
    return "";
  }
  if (isOld && state.expandNumber("_build_in_place") !== 0) return "";
  const isQuiet = options.has("q") || line.includes(" -q");
  const makesDirectory = options.has("c");
  const unpacksFirst = !options.has("T");
  const unpackAll = (letter: string): string | undefined => {
    const parts = (options.get(letter) ?? []).map((one) => unpackSource(state, one, isQuiet));
    return parts.includes(undefined) ? undefined : parts.map((part) => `${part}\n`).join("");
  };
  const before = unpackAll("b");
  const after = unpackAll("a");
  if (before === undefined || after === undefined) return "";
  const directory = options.get("n")?.at(-1) ?? `${state.main.name}-${state.main.tag("version")}`;
  state.defineMacro("buildsubdir", directory);
  const output = [`cd '${state.expand("%{_builddir}")}'\n`];
  if (!options.has("D")) output.push(state.expand("rm -rf '%{buildsubdir}'\n"));
  output.push(before);
  if (makesDirectory) {
    output.push(state.expand("%{__mkdir_p} '%{buildsubdir}'\ncd '%{buildsubdir}'\n"));
  }
  if (unpacksFirst) {
    const first = unpackSource(state, "0", isQuiet, options.has("C"));
    if (first === undefined) return output.join("");
    output.push(`${first}\n`);
  }
  if (!makesDirectory) output.push(state.expand("cd '%{buildsubdir}'\n"));
  output.push(after);
  const fix = state.expand("%{_fixperms} .");
  if (fix !== "" && !fix.startsWith("%")) output.push(`${fix}\n`);
  return output.join("");
}

function unpackSource(
  state: SpecState,
  number: string,
  isQuiet: boolean,
  hasRoot = false,
): string | undefined {
  const source = /^[0-9]+$/.test(number) ? findSource(state, false, Number(number)) : undefined;
  if (source === undefined) {
    state.report("warning", "prep-source", `No source number ${number}`);
    return undefined;
  }
  const isOld = state.expander.host.dialect === "4.18";
  const path = isOld
    ? source.path
    : `${hasRoot ? "-C %{buildsubdir} " : ""}%{shescape:${source.path}}`;
  const command = state.expand(`%{__rpmuncompress} -x ${isQuiet ? "" : "-v "}${path}`);
  return `${command}\nSTATUS=$?\nif [ $STATUS -ne 0 ]; then\n  exit $STATUS\nfi`;
}

function patch(state: SpecState, line: string): string {
  const attached = /^%patch(?=[^ \t\n])/.test(line);
  const text = attached ? `%patch -P ${line.slice(6)}` : line;
  const { options, words, error } = parseHeaderOptions(text, "PpbzFdo", "REZ");
  if (error !== undefined) {
    state.report("warning", "prep-patch", `Bad %patch: ${error}: ${line.trim()}`);
    return "";
  }
  const numbers = [...(options.get("P") ?? []), ...words.slice(1)];
  if (numbers.length === 0) {
    const isOld = state.expander.host.dialect === "4.18";
    const severity = isOld ? "warning" : "error";
    state.report(severity, "prep-patch", `Patch number not specified: ${line.trim()}`);
    if (!isOld) return "";
    numbers.push("0");
  }
  const last = (letter: string): string | undefined => options.get(letter)?.at(-1);
  const fuzz = last("F") ?? defaultFuzz(state);
  const backup = [...(options.get("b") ?? []), ...(options.get("z") ?? [])].at(-1);
  const flags = [
    `${state.expand("%{?_default_patch_flags}")} -p${Number(last("p") ?? "0")} `,
    backup === undefined ? "" : `-b --suffix ${backup}`,
    fuzz === undefined ? "" : ` --fuzz=${fuzz}`,
    last("d") === undefined ? "" : ` -d ${last("d")}`,
    last("o") === undefined ? "" : ` -o ${last("o")}`,
    options.has("R") ? " -R" : "",
    options.has("E") ? " -E" : "",
    options.has("Z") ? " -Z" : "",
  ].join("");
  return numbers.map((number) => applyPatch(state, number, flags)).join("");
}

/** `%_default_patch_fuzz`; a negative number means none. */
function defaultFuzz(state: SpecState): string | undefined {
  const fuzz = state.expandNumber("_default_patch_fuzz");
  return fuzz < 0 ? undefined : String(fuzz);
}

function applyPatch(state: SpecState, number: string, flags: string): string {
  const source = /^[0-9]+$/.test(number) ? findSource(state, true, Number(number)) : undefined;
  if (source === undefined) {
    state.report("warning", "prep-patch", `No patch number ${number}`);
    return "";
  }
  const title = `echo "Patch #${Number(number)} (${source.fileName}):"\n`;
  const isPlain = isPlainFile(state, source.path);
  const command = isPlain
    ? `%{__patch} ${flags} < ${source.path}`
    : `{ %{__rpmuncompress} ${source.path} || echo patch_fail ; } | %{__patch} ${flags}`;
  return `${title}${state.expand(command)}\n\n`;
}

const compressedMagics = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0x50, 0x4b, 0x03, 0x04],
];

/** Whether the file is there and not compressed; rpm then needs no pipe. */
function isPlainFile(state: SpecState, path: string): boolean {
  const bytes = state.reader?.read(path);
  if (bytes === undefined) return false;
  return !compressedMagics.some((magic) => magic.every((byte, index) => bytes[index] === byte));
}
