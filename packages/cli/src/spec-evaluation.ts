import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { CleanroomError, isMissingFile, sandboxArguments, shellOutput } from "@cleanroom/core";
import {
  type Evaluation,
  type EvaluationOptions,
  evaluateSpec,
  type FileReader,
  machineMacros,
  macrosFromRecord,
  MacroTable,
  parseMacroFile,
  parseSpec,
  type ShellPolicy,
  type SpecTree,
  standardMacros,
} from "rpm-parser";
import fastGlob from "fast-glob";
import type { Session } from "./session.ts";

/** What `spec` commands take besides the files. */
export interface SpecOptions {
  /** As in rpm: `--macros GLOB:GLOB...` in place of the base's macros. */
  readonly macros?: string | undefined;
  /** `NAME BODY`, as in rpm. */
  readonly define?: readonly string[] | undefined;
  readonly with?: readonly string[] | undefined;
  readonly without?: readonly string[] | undefined;
  /** As rpm's `--undefine`. */
  readonly undefine?: readonly string[] | undefined;
  readonly target?: string | undefined;
  /** Which rpm to be where releases differ. */
  readonly rpm?: string | undefined;
  /** What becomes of `%(...)`; `deny` when absent. */
  readonly shell?: string | undefined;
  /** With `run`: the system whose programs run; the base's tools when absent. */
  readonly shellRoot?: string | undefined;
  /** With `emulate`: commands and what they print, in turns. */
  readonly answer?: readonly string[] | undefined;
}

/** What specs are evaluated with that is the same for all files. */
export interface SpecSurroundings {
  readonly macros: MacroTable;
  readonly shell: ShellPolicy;
}

export async function specSurroundings(
  session: Session,
  options: SpecOptions,
): Promise<SpecSurroundings> {
  return {
    macros: await macroTable(session, options),
    shell: await shellPolicy(session, options),
  };
}

/** Commands of specs run in the sandbox and see the one root, or are imitated, or neither. */
async function shellPolicy(session: Session, options: SpecOptions): Promise<ShellPolicy> {
  if (options.shell === "run") {
    const root = options.shellRoot ?? (await session.base()).tools.root;
    const args = sandboxArguments({ root });
    const known = new Map<string, string>();
    return {
      kind: "run",
      run: (command) => {
        const output = known.get(command) ?? shellOutput(args, command);
        known.set(command, output);
        return { output };
      },
    };
  }
  if (options.shell !== "emulate") return { kind: "deny" };
  const words = options.answer ?? [];
  return {
    kind: "emulate",
    answers: Object.fromEntries(
      words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? ""]] : [])),
    ),
  };
}

/** The macros to evaluate with: those of the named files, or the standard ones and the base's. */
async function macroTable(session: Session, options: SpecOptions): Promise<MacroTable> {
  if (options.macros === undefined) {
    return macrosFromRecord((await session.baseFile()).macros, standardMacros());
  }
  const arch = options.target ?? "x86_64";
  let table = new MacroTable();
  for (const pattern of options.macros.split(":")) {
    // As in rpm's own search path.
    const expanded = pattern
      .replaceAll("%{_target}", `${arch}-linux`)
      .replace(/^~(?=\/)/, homedir());
    const files = await fastGlob(expanded, { dot: true, onlyFiles: true });
    for (const file of files.toSorted()) {
      if (/(?:~|\.rpm(?:new|orig|save))$/.test(file)) continue;
      table = parseMacroFile(await readFile(file, "utf8"), table, file);
    }
  }
  return machineMacros(table, arch);
}

/**
 * `%include` reads the files beside the spec and below, and nothing else: no link leads out of the
 * folder, and what is no plain file (a pipe, a device) could keep a reader for ever.
 */
function readerBeside(file: string): FileReader {
  const folder = path.dirname(path.resolve(file));
  return {
    read: (name) => {
      try {
        const target = realpathSync(path.resolve(folder, name));
        const isInside = target.startsWith(`${realpathSync(folder)}/`);
        return isInside && statSync(target).isFile() ? readFileSync(target) : undefined;
      } catch {
        // None of that name, none that may be read, or no name at all.
        return undefined;
      }
    },
  };
}

/**
 * Evaluates a spec file.
 *
 * @throws {CleanroomError} `file-missing`
 */
export async function evaluateFile(
  file: string,
  surroundings: SpecSurroundings,
  options: SpecOptions,
): Promise<{ readonly tree: SpecTree; readonly evaluation: Evaluation }> {
  const spec = await readSpecFile(file, surroundings, options);
  return { tree: spec.tree, evaluation: evaluateSpec(spec.tree, spec.options) };
}

/**
 * Reads a spec file, and says what to evaluate it with.
 *
 * @throws {CleanroomError} `file-missing`
 */
export async function readSpecFile(
  file: string,
  { macros, shell }: SpecSurroundings,
  options: SpecOptions,
): Promise<{ readonly tree: SpecTree; readonly options: EvaluationOptions }> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    throw new CleanroomError("file-missing", `${file} is not there`, { exitCode: 2 });
  }
  const evaluation: EvaluationOptions = {
    macros,
    defines: Object.fromEntries(
      (options.define ?? []).map((text) => {
        const [, name = text, body = ""] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
        return [name, body];
      }),
    ),
    with: options.with ?? [],
    undefines: options.undefine ?? [],
    without: options.without ?? [],
    shell,
    ...(options.rpm === "4.18" ? { dialect: "4.18" } : {}),
    reader: readerBeside(file),
    ...(options.target === undefined ? {} : { target: options.target }),
  };
  return { tree: parseSpec(bytes, file), options: evaluation };
}
