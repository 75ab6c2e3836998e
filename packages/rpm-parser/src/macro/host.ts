import type { Place } from "@cleanroom/core";

export type FileKind = "file" | "folder" | "nothing";

/** Reads files for an evaluation: included files, `%{load:}`, `%{exists:}`. */
export interface FileReader {
  /** The file's bytes, or undefined when there is none or it may not be read. */
  read(path: string): Uint8Array | undefined;
  /**
   * What is at a path, or undefined when that cannot be told. Without this, there is what can be
   * read, and of the rest nothing is known.
   */
  kindOf?(path: string): FileKind | undefined;
}

/** What is at a path, as far as a reader tells. */
export function kindOf(reader: FileReader | undefined, path: string): FileKind | undefined {
  if (reader?.kindOf !== undefined) return reader.kindOf(path);
  return reader?.read(path) === undefined ? undefined : "file";
}

/** `%{exists:}`: whether anything is known to be at a path. */
export function isThere(reader: FileReader | undefined, path: string): boolean {
  return (kindOf(reader, path) ?? "nothing") !== "nothing";
}

/** Which rpm to be: where releases differ, evaluation follows the one named here. */
export type RpmDialect = "4.18" | "4.20";

/** A step on the way from a spec's line to the text being expanded. */
export interface ChainLink {
  /** `%name` of a macro, or `%include` and the file. */
  readonly through: string;
  /** Where the macro was defined, or where the file was included. */
  readonly place: Place | undefined;
}

export type Severity = "error" | "warning" | "note";

/** Something to say about a spec, with its place and the way it came through macros and includes. */
export interface SpecDiagnostic {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly message: string;
  readonly severity: Severity;
  readonly place: Place;
  /** Outermost first; empty for what stands in the spec itself. */
  readonly chain: readonly ChainLink[];
}

/** What `%(...)` yields. */
export type ShellResult =
  | { readonly output: string }
  /** Not run, or not understood: the value is not known. */
  | { readonly unknown: string };

/** What expanding macros may ask of its surroundings; all of it is supplied by the caller. */
export interface MacroHost {
  readonly dialect: RpmDialect;
  readonly reader: FileReader | undefined;
  /** `%{getenv:NAME}`; nothing is taken from the process's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** `%{getncpus}`. */
  readonly processors: number;
  /** Runs, imitates or refuses a shell command. */
  shell(command: string): ShellResult;
  report(severity: Severity, code: string, message: string): void;
  /** Called for every parametric macro that is called, with its words. */
  called?(name: string, words: readonly string[]): void;
}

/** Expansion went wrong: the line it happened on has no value. */
export class MacroError extends Error {
  readonly code: string;
  readonly chain: readonly ChainLink[];

  constructor(code: string, message: string, chain: readonly ChainLink[]) {
    super(message);
    this.code = code;
    this.chain = chain;
  }
}
