/** How log lines are written: for people, or as one JSON object a line. */
export type LogFormat = "human" | "ndjson";

export type LogLevel = "info" | "warning" | "error";

/** Facts that go with a message; in human form only the message is shown. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The one way to tell the user what happens. Writes to standard error alone. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LoggerOptions {
  readonly format: LogFormat;
  /** Drops `info`. */
  readonly quiet: boolean;
  readonly write: (text: string) => void;
}

export function createLogger({ format, quiet, write }: LoggerOptions): Logger {
  const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (quiet && level === "info") return;
    if (format === "ndjson") {
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
      return;
    }
    write(level === "info" ? `${message}\n` : `${level}: ${message}\n`);
  };
  return {
    info: (message, fields) => emit("info", message, fields),
    warning: (message, fields) => emit("warning", message, fields),
    error: (message, fields) => emit("error", message, fields),
  };
}

/** A logger that says nothing; for tests and for callers that only want the result. */
export const silentLogger: Logger = createLogger({
  format: "human",
  quiet: true,
  write: () => undefined,
});
