/**
 * Where something is: a file with a 1-based line and column, or a step of the work such as
 * `glib2: rpmbuild`.
 */
export interface Place {
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based, counted in UTF-16 code units. */
  readonly column?: number;
  /** The package and step, for failures that are not in a file. */
  readonly step?: string;
}

export interface ErrorDetail {
  readonly place?: Place | undefined;
  /** What the user can do next; one sentence or a command. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** 1: the work failed. 2: usage or configuration. 130: interrupted. */
  readonly exitCode?: 1 | 2 | 130;
  /** The whole log of the step that failed. */
  readonly logFile?: string | undefined;
}

/**
 * A failure that the program knows: what failed, where, why, and what to do next. Anything else
 * that is thrown is a defect of Cleanroom, and the command line exits with 70 for it.
 */
export class CleanroomError extends Error {
  /** Stable, kebab-case; scripts and tests match on it, never on the message. */
  readonly code: string;
  readonly place: Place | undefined;
  readonly hint: string | undefined;
  readonly exitCode: 1 | 2 | 130;
  readonly logFile: string | undefined;

  constructor(code: string, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "CleanroomError";
    this.code = code;
    this.place = detail.place;
    this.hint = detail.hint;
    this.exitCode = detail.exitCode ?? 1;
    this.logFile = detail.logFile;
  }
}

/** `file:line:column` or the step, as compilers print it; an empty string when nothing is known. */
export function formatPlace(place: Place | undefined): string {
  if (place === undefined) return "";
  if (place.file === undefined) return place.step ?? "";
  const position = [place.file, place.line, place.line === undefined ? undefined : place.column];
  return position.filter((part) => part !== undefined).join(":");
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** What the machine refuses, by the code of the system's error (errno(3)). */
const refusals: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOSPC: [
    "the disk is full",
    "free some space (`./cleanroom cache gc`), or name another store with --store DIR; the next run goes on from here",
  ],
  EDQUOT: [
    "the disk quota is used up",
    "free some space (`./cleanroom cache gc`), or name another store with --store DIR; the next run goes on from here",
  ],
  EROFS: ["the file system is read-only", "name another store with --store DIR"],
  EACCES: ["access was denied", "see whose file it is: another user may have made it"],
  EMFILE: ["too many files are open", "raise the limit (`ulimit -n`)"],
  ENFILE: ["too many files are open on this machine", "end what holds them"],
  ENOMEM: ["the memory is used up", "end what uses it, or run fewer builds at once (--parallel 1)"],
  EIO: ["the disk could not be read or written", "see what the kernel says of it (`dmesg`)"],
};

/** An error of the system that the machine is to blame for, as a known failure; undefined for others. */
export function machineFailure(thrown: unknown): CleanroomError | undefined {
  const { code = "", path: file } = (thrown ?? {}) as NodeJS.ErrnoException;
  const refusal = Object.hasOwn(refusals, code) ? refusals[code] : undefined;
  if (refusal === undefined) return undefined;
  const [message, hint] = refusal;
  return new CleanroomError(`machine-${code.toLowerCase()}`, message, {
    place: file === undefined ? undefined : { file },
    hint,
    cause: thrown,
  });
}

/** An error as people read it: place, message, causes, hint and log, one a line. */
export function formatError(error: CleanroomError): string {
  const place = formatPlace(error.place);
  const lines = [`${place === "" ? "" : `${place}: `}${error.message}`];
  for (let cause = error.cause; cause !== undefined;) {
    lines.push(`  because: ${messageOf(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  if (error.hint !== undefined) lines.push(`  next: ${error.hint}`);
  if (error.logFile !== undefined) lines.push(`  log: ${error.logFile}`);
  return lines.join("\n");
}
