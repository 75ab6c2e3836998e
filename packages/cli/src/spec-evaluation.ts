import { readFile } from "node:fs/promises";
import path from "node:path";
import { readFileSync } from "node:fs";
import { CleanroomError, isMissingFile } from "@cleanroom/core";
import {
  type Evaluation,
  type EvaluationOptions,
  evaluateSpec,
  type FileReader,
  macrosFromRecord,
  type MacroTable,
  parseMacroFile,
  parseSpec,
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
  readonly target?: string | undefined;
}

/** The macros to evaluate with: those of the named files, or the standard ones and the base's. */
export async function macroTable(session: Session, options: SpecOptions): Promise<MacroTable> {
  if (options.macros === undefined) {
    return macrosFromRecord((await session.baseFile()).macros, standardMacros());
  }
  let table = standardMacros();
  for (const pattern of options.macros.split(":")) {
    const files = await fastGlob(pattern, { dot: true, onlyFiles: true });
    for (const file of files.toSorted()) {
      table = parseMacroFile(await readFile(file, "utf8"), table, file);
    }
  }
  return table;
}

/** `%include` reads what is beside the spec and nothing else. */
function readerBeside(file: string): FileReader {
  const folder = path.dirname(path.resolve(file));
  return {
    read: (name) => {
      const target = path.resolve(folder, name);
      if (!target.startsWith(`${folder}/`)) return undefined;
      try {
        return readFileSync(target);
      } catch (error) {
        if (isMissingFile(error)) return undefined;
        throw error;
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
  macros: MacroTable,
  options: SpecOptions,
): Promise<Evaluation> {
  const spec = await readSpecFile(file, macros, options);
  return evaluateSpec(spec.tree, spec.options);
}

/**
 * Reads a spec file, and says what to evaluate it with.
 *
 * @throws {CleanroomError} `file-missing`
 */
export async function readSpecFile(
  file: string,
  macros: MacroTable,
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
    without: options.without ?? [],
    reader: readerBeside(file),
    ...(options.target === undefined ? {} : { target: options.target }),
  };
  return { tree: parseSpec(bytes, file), options: evaluation };
}
