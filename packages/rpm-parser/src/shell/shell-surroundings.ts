import type { FileKind } from "../macro/host.ts";

/** What the machine is like whose shell is imitated, as far as anyone says. */
export interface ShellFacts {
  /**
   * What programs say, by the command with single blanks between its words: the output of one that
   * succeeds, `{ "perl -V:version": "version='5.40.1';\n" }`, or the exit status of one that prints
   * nothing: `{ "pkg-config --exists udev": 1 }`, 127 where there is no such program.
   */
  readonly answers?: Readonly<Record<string, string | number>>;
  /** What `/bin/sh` is; commands that only bash understands are not known without it. */
  readonly shell?: "bash" | "dash";
}

/** What a command may ask of its surroundings. */
export interface ShellSurroundings {
  /** A file's text; undefined when it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** What is at a path; undefined when that is not known. */
  readonly kindOf: (path: string) => FileKind | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly processors: number;
  readonly answers: Readonly<Record<string, string | number>>;
  readonly shell: "bash" | "dash" | undefined;
}

export interface CommandOutcome {
  readonly output: string;
  readonly status: number;
}
